"""The results of `qudnn bench MODEL` as a drawing in SVG: latency and items a second, as bars."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from qudnn.converter.cli.bench_text import title

_WIDTH, _MARGIN = 960, 24
_NAMES = 250  # the column of names
_GAP = 90  # between the panels, for the numbers at the bars' ends
_BAR, _ROW, _HEAD = 16, 24, 34
_COLORS = {
    "qudnn": "#1b7f5c",
    "unconverted": "#8a8f98",
    "float": "#4878b0",
    "fp16": "#8064a8",
    "fp16 NHWC": "#a8649a",
}
_INK, _FAINT, _GROUND = "#1f2430", "#6b7280", "#ffffff"

Row = dict[str, Any]


def draw(document: dict[str, Any]) -> str:
    """One file without scripts or links.

    A group of bars for each set of inputs, a bar for each model. Bars are to be compared inside of a group:
    the longest of each is as long as the panel is wide. A whisker goes to the 99th percentile.
    """
    rows = [row for row in document["rows"] if "failed" not in row]
    groups = [(shapes, list(found)) for shapes, found in groupby(rows, lambda row: str(row["shapes"]))]
    body: list[str] = []
    y = 84.0
    for shapes, found in groups:
        body += _group(shapes, found, y)
        y += _HEAD + _ROW * len(found) + 10
    height = y + _MARGIN
    panel = _panel_width()
    title = f"{Path(document['model']).name} on {_where(document)}"
    about = f"qudnn {document['qudnn']}, onnxruntime {document['machine']['onnxruntime']}"
    if document["device"] == "CPU":
        about += "; function bodies on the CPU: no measure of qudnn's kernels"
    left, right = _MARGIN + _NAMES, _MARGIN + _NAMES + panel + _GAP
    head = [
        _text(_MARGIN, 30, title, size=17, weight="600"),
        _text(_MARGIN, 50, about, color=_FAINT),
        _text(left, 76, "latency, ms: median, and the 99th percentile", color=_FAINT),
        _text(right, 76, "items a second", color=_FAINT),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {_WIDTH} {height:.0f}" font-family="system-ui, sans-serif" font-size="13">',
            f'<rect width="100%" height="100%" fill="{_GROUND}"/>',
            *head,
            *body,
            "</svg>\n",
        ]
    )


def _panel_width() -> float:
    return (_WIDTH - 2 * _MARGIN - _NAMES - 2 * _GAP) / 2


def _where(document: dict[str, Any]) -> str:
    machine = document["machine"]
    return str(machine.get("gpu", "the GPU") if document["device"] == "GPU" else machine["processor"])


def _group(shapes: str, rows: Sequence[Row], top: float) -> Iterator[str]:
    yield _text(_MARGIN, top + 22, shapes, weight="600")
    longest = max(max(row["latency_ms"]["p50"], row["latency_ms"]["p99"]) for row in rows)
    most = max(row["items_per_second"] for row in rows)
    panel = _panel_width()
    left, right = _MARGIN + _NAMES, _MARGIN + _NAMES + panel + _GAP
    for index, row in enumerate(rows):
        y = top + _HEAD + _ROW * index
        color = _COLORS.get(row["model"], _FAINT)
        latency = row["latency_ms"]
        yield _text(_MARGIN + 10, y + 12.5, title(row))
        yield _bar(left, y, panel * latency["p50"] / longest, color)
        end = left + panel * max(latency["p99"], latency["p50"]) / longest
        middle = y + _BAR / 2
        yield (
            f'<path d="M{left + panel * latency["p50"] / longest:.1f} {middle}H{end:.1f}'
            f'M{end:.1f} {middle - 4}v8" stroke="{_INK}" fill="none"/>'
        )
        yield _text(end + 6, y + 12.5, f"{latency['p50']:.3g}")
        yield _bar(right, y, panel * row["items_per_second"] / most, color)
        yield _text(
            right + panel * row["items_per_second"] / most + 6, y + 12.5, f"{row['items_per_second']:,.0f}"
        )


def _bar(x: float, y: float, width: float, color: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{_BAR}" rx="2" fill="{color}"/>'
    )


def _text(x: float, y: float, text: str, color: str = _INK, size: int = 13, weight: str = "400") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-size="{size}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
