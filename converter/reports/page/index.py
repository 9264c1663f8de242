"""The page that leads to the pages of several models."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from qudnn.converter.reports.page.document import Section, cards, document, table
from qudnn.converter.reports.page.text import counted, escaped
from qudnn.converter.reports.report import Report


@dataclass(frozen=True)
class Entry:
    """A model. page: the path of its page, relative to that of this one. error: why it has none."""

    name: str
    page: str
    report: Report | None
    error: str = ""


def index(entries: Sequence[Entry]) -> str:
    """The page as HTML: a row for each model, those with most quantized nodes left first."""
    reports = [entry.report for entry in entries if entry.report is not None]
    numbers = [
        (len(entries), counted(len(entries), "model").partition(" ")[2]),
        (
            sum(bool(report.converted) and not report.left_quantized for report in reports),
            "converted completely",
        ),
        (sum(report.left_quantized for report in reports), "quantized nodes left"),
        (len(entries) - len(reports), "failed"),
    ]
    rows = [_row(entry) for entry in sorted(entries, key=_order)]
    headings = ("model", "quantized nodes", "left", "may deviate", "islands", "entries and exits")
    body = table(headings, rows, ("", "n", "n", "n", "n", "n"))
    title = counted(len(entries), "model")
    parts = [f"<h1>{title}</h1>", cards((f"{number:,}", what) for number, what in numbers)]
    return document(title, [*parts, Section("Models", body).html()])


def _order(entry: Entry) -> tuple[int, str]:
    left = -1 if entry.report is None else entry.report.left_quantized
    return (-left if left >= 0 else -(2**62), entry.name)


def _row(entry: Entry) -> list[str]:
    if entry.report is None:
        return [f"{escaped(entry.name)}<p class=advice>{escaped(entry.error)}</p>", *["-"] * 5]
    report = entry.report
    link = f'<a href="{quote(entry.page)}">{escaped(entry.name)}</a>'
    counts = (report.quantized_nodes, report.left_quantized, len(report.approximate))
    of_the_original = ["-" if report.already else f"{count:,}" for count in counts]
    return [link, *of_the_original, f"{report.islands:,}", f"{report.entries:,} + {report.exits:,}"]
