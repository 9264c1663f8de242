"""What all pages are: one document of HTML that stands alone, and fetches nothing."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from qudnn.converter.reports.page.style import SCRIPT, STYLE
from qudnn.converter.reports.page.text import escaped
from qudnn.converter.version import qudnn_version


@dataclass(frozen=True)
class Section:
    """A part of the page; body is HTML already."""

    title: str
    body: str

    def html(self) -> str:
        return f"<section><h2>{escaped(self.title)}</h2>{self.body}</section>"


def document(title: str, parts: Iterable[str]) -> str:
    """A page of parts that are HTML already. No script but the page's own is run in it."""
    hashed = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'; base-uri 'none'"
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escaped(title)}: qudnn</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + f"\n<footer>qudnn {escaped(qudnn_version())}</footer></main>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def cards(entries: Iterable[tuple[str, str]]) -> str:
    """Numbers, each with what it counts; both are HTML already."""
    found = "".join(f"<div class=card><b>{number}</b><span>{what}</span></div>" for number, what in entries)
    return f"<div class=cards>{found}</div>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], classes: Sequence[str]) -> str:
    """A table of cells that are HTML already; classes: of the columns."""
    head = "".join(f'<th class="{c}">{h}</th>' for h, c in zip(headings, classes, strict=True))
    lines = [
        "<tr>"
        + "".join(f'<td class="{c}">{cell}</td>' for cell, c in zip(row, classes, strict=True))
        + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
