"""Writes the tables of README.md from the results under benchmarks/results.

python benchmarks/table.py            replaces what stands between the markers
python benchmarks/table.py --check    exits with status 1 where that would change something
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- benchmarks -->", "<!-- end of benchmarks -->"


def main() -> int:
    readme = ROOT / "README.md"
    text = readme.read_text()
    start, stop = text.index(BEGIN) + len(BEGIN), text.index(END)
    results = [
        json.loads(path.read_text()) for path in sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    ]
    body = "\n\n".join(section(result) for result in results) or "No result is stored yet."
    new = f"{text[:start]}\n{body}\n{text[stop:]}"
    if "--check" in sys.argv[1:]:
        return int(new != text)
    readme.write_text(new)
    return 0


def section(result: dict[str, Any]) -> str:
    """A result as a paragraph that says what was measured, and a table of milliseconds."""
    versions = ", ".join(
        f"{name} {value}" for name, value in result["machine"].items() if name != "processor"
    )
    lines = [
        f"`{result['benchmark']}` at {result['commit'][:9]}, {result['machine']['processor']}, {versions}.",
        "",
    ]
    for device in ("gpu", "cpu"):
        if device in result:
            lines += [*table(device.upper(), result[device]), ""]
    return "\n".join(lines).rstrip()


def table(device: str, batches: dict[str, Any]) -> list[str]:
    """One row for each peer, one column for each batch size; ratios where they were stored."""
    peers = [name for name, row in next(iter(batches.values())).items() if isinstance(row, dict)]
    lines = [f"| {device}, ms | " + " | ".join(f"batch {batch}" for batch in batches) + " |"]
    lines.append("| --- |" + " ---: |" * len(batches))
    for peer in peers:
        lines.append(f"| {peer} | " + " | ".join(cell(rows[peer]) for rows in batches.values()) + " |")
    return lines


def cell(row: dict[str, Any]) -> str:
    if "median" not in row:
        return "fails"
    return f"{row['median']:.2f}" + (f" ({row['ratio']:.1f}x)" if "ratio" in row else "")


if __name__ == "__main__":
    sys.exit(main())
