"""Writes the tables of README.md and docs/ from the results under benchmarks/results.

python -m benchmarks.report.table            replaces what stands between the markers
python -m benchmarks.report.table --check    exits with status 1 where that would change something
"""

import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import quantizers_table, transformer_table
from qudnn.converter.cli.problem_text import shorten

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- benchmarks -->", "<!-- end of benchmarks -->"

QUDNN, FP16 = "qudnn int8, CUDA graph", "fp16 NHWC, CUDA graph"

Result = dict[str, Any]


def main() -> int:
    results = [
        json.loads(path.read_text()) for path in sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    ]
    changed = False
    for name, sections in DOCUMENTS.items():
        document = ROOT / name
        text = document.read_text()
        start, stop = text.index(BEGIN) + len(BEGIN), text.index(END)
        order = list(sections)
        of_it = [result for result in results if result["benchmark"] in sections]
        of_it.sort(key=lambda result: order.index(result["benchmark"]))
        written = [sections[result["benchmark"]](result) for result in of_it]
        body = "\n\n".join(filter(None, written)) or "No result is stored yet."
        new = f"{text[:start]}\n{body}\n{text[stop:]}"
        changed = changed or new != text
        if "--check" not in sys.argv[1:]:
            document.write_text(new)
    return int(changed and "--check" in sys.argv[1:])


def peers(result: Result) -> str:
    """What was measured on the GPU, and a table of milliseconds."""
    return "\n".join([heading(result), "", *table("GPU, ms", result["gpu"])])


def tuning(result: Result) -> str:
    """The whole model and its start at all batch sizes, then the layers of each."""
    batches = result["gpu"]
    lines = [heading(result), ""]
    lines += table("a run, ms", {batch: values["model"] for batch, values in batches.items()})
    starts = {
        batch: {name: {"median": parts["total"]} for name, parts in values["start"].items()}
        for batch, values in batches.items()
    }
    lines += ["", *table("first result, s", starts)]
    for batch, values in batches.items():
        lines += ["", *layers(batch, values["layers"])]
    return "\n".join(lines)


def models(result: Result) -> str:
    """One row for each model and form, then what was left of each and why."""
    lines = [
        f"{heading(result)}{plans(result)}",
        "",
        "| model | form | ops | islands | entries, exits | left | differing elements | off the GPU |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in result["models"].items():
        model, _, form = name.rpartition(".")
        if "failed" in row:
            lines.append(f"| {model} | {form} | fails: {row['failed'].splitlines()[0]} |")
            continue
        different = f"{row['different']} of {row['elements']}"
        if row["approximate"]:
            different += f" ({row['approximate']} nodes approximate)"
        left, off = sum(each["nodes"] for each in row["left"]), sum(row["off the GPU"].values())
        lines.append(
            f"| {model} | {form} | {row['ops']} | {row['islands']} | {row['entries']}, {row['exits']} "
            f"| {left} | {different} | {off} |"
        )
    lines += ["", "What was left:", ""]
    for name, row in result["models"].items():
        lines += transformer_table.left(name, row)
    return "\n".join(lines)


def vision(result: Result) -> str:
    """One row for each model and batch size: medians, over float16 at its best; then what was left."""
    measured = [rows for model in result["models"].values() for rows in _batches(model).values()]
    peers = list(dict.fromkeys(peer for rows in measured for peer in rows))
    lines = [
        f"{heading(result)}{plans(result)} Medians of {result['runs']} runs, in brackets how many times "
        f"faster than {FP16}. First result: of {QUDNN}. All took {result['seconds']:.0f} s.",
        "",
        f"| model, batch | {' | '.join(f'{peer}, ms' for peer in peers)} | first result, s | differing |",
        "| --- |" + " ---: |" * (len(peers) + 2),
    ]
    for name, model in result["models"].items():
        if "failed" in model:
            lines.append(f"| {name} | fails: {model['failed'].splitlines()[0]} |")
        for batch, rows in _batches(model).items():
            ours = rows.get(QUDNN, {})
            found = f"{ours['different']} of {ours['elements']}" if "different" in ours else "-"
            cells = [_faster(rows.get(peer)) for peer in peers]
            first = f"{ours['first result, s']:.1f}" if "first result, s" in ours else "-"
            lines.append(f"| {name}, {batch} | {' | '.join(cells)} | {first} | {found} |")
    left = [line for name, model in result["models"].items() for line in transformer_table.left(name, model)]
    return "\n".join([*lines, *(["", "What was left:", "", *left] if left else [])])


def _batches(model: Result) -> dict[str, Any]:
    return dict(model.get("batches", {}))


def _faster(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    if "median" not in row:
        return "fails"
    return f"{row['median']:.3f}" + (f" ({row['speed-up']:.1f}x)" if "speed-up" in row else "")


def accuracy(result: Result) -> list[str]:
    """One row for each model: how far each is from the exact values, and from onnxruntime's."""
    comparisons = list(next(iter(result["models"].values()))["distances"])
    lines = [
        f"{result['inputs']} random inputs for each model. Elements of an input that differ, on average, and "
        "the standard error of that; in brackets the largest distance and the mean one, in steps of the "
        "results' quantization. Nearer: how many elements fewer differ from exact in qudnn than by default.",
        "",
        "| model | elements | " + " | ".join(comparisons) + " | nearer |",
        "| --- | ---: |" + " ---: |" * (len(comparisons) + 1),
    ]
    for name, row in result["models"].items():
        cells = [
            f"{average(d['different'])} ({d['largest']:.0f}, {d['mean']:.4f})"
            for d in row["distances"].values()
        ]
        ours, default = (row["distances"][f"{who} from exact"]["different"] for who in ("qudnn", "default"))
        cells.append(average([b - a for a, b in zip(ours, default, strict=True)]))
        lines.append(f"| {name} | {row['elements']} | {' | '.join(cells)} |")
    lines += [
        "",
        "One small input: elements that differ; in brackets the largest distance and the mean one.",
        "",
        "| model | elements | " + " | ".join(comparisons) + " |",
        "| --- | ---: |" + " ---: |" * len(comparisons),
    ]
    for name, row in result["models"].items():
        of_one = row["of the small input"].values()
        cells = [f"{sum(d['different'])} ({d['largest']:.0f}, {d['mean']:.4f})" for d in of_one]
        lines.append(f"| {name} | {row['elements of the small input']} | {' | '.join(cells)} |")
    lines += [
        "",
        "The operators of which the report says that they may differ from onnxruntime, each on exact inputs: "
        "elements that differ from the exact results.",
        "",
        "| model | operators | elements | qudnn | default |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, row in result["models"].items():
        layers = row["layers"]
        cells = [str(layers[what]) for what in ("operators", "elements", "qudnn", "default")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def average(numbers: list[int]) -> str:
    """The mean, and its standard error where there are several."""
    if len(numbers) < 2:
        return f"{statistics.mean(numbers):.1f}"
    return f"{statistics.mean(numbers):.1f} ± {statistics.stdev(numbers) / len(numbers) ** 0.5:.1f}"


def headed(lines: Callable[[Result], list[str]]) -> Callable[[Result], str]:
    """The lines under the result's heading; nothing where there are none."""

    def section(result: Result) -> str:
        body = lines(result)
        return "\n".join([f"{heading(result)}{plans(result)}", "", *body]) if body else ""

    return section


def plans(result: Result) -> str:
    return f" Plans: `tune={result['tune']}`." if "tune" in result else ""


def heading(result: Result) -> str:
    versions = ", ".join(
        f"{name} {value}" for name, value in result["machine"].items() if name != "processor"
    )
    return f"`{result['benchmark']}` at {result['commit'][:9]}, {result['machine']['processor']}, {versions}."


def table(what: str, batches: dict[str, Any]) -> list[str]:
    """One row for each peer, one column for each batch size; ratios where they were stored."""
    peers = [name for name, row in next(iter(batches.values())).items() if isinstance(row, dict)]
    lines = [f"| {what} | " + " | ".join(f"batch {batch}" for batch in batches) + " |"]
    lines.append("| --- |" + " ---: |" * len(batches))
    for peer in peers:
        lines.append(f"| {peer} | " + " | ".join(cell(rows[peer]) for rows in batches.values()) + " |")
    return lines


def cell(row: dict[str, Any]) -> str:
    if "median" not in row:
        return "fails"
    return f"{row['median']:.2f}" + (f" ({row['ratio']:.1f}x)" if "ratio" in row else "")


def layers(batch: str, rows: list[dict[str, Any]]) -> list[str]:
    """One row for each problem, in the order the model meets them."""
    times = Counter(row["problem"] for row in rows)
    lines = [
        f"| batch {batch} | layers | engine | plan | us | TOPS | first plan, us | |",
        "| --- | ---: | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in {row["problem"]: row for row in rows}.values():
        time, first = row["microseconds"], row["first_microseconds"]
        lines.append(
            f"| {shorten(row['problem'])} | {times[row['problem']]} | {row['engine']} | {row['plan']} "
            f"| {time:.1f} | {row['tops']:.0f} "
            + (f"| {first:.1f} | {first / time:.1f}x |" if first and time else "| - | - |")
        )
    best = sum(row["microseconds"] for row in rows)
    # Where cuDNN has no plan at all, the one that was chosen counts on both sides.
    first = sum(row["first_microseconds"] or row["microseconds"] for row in rows)
    ratio = f"{first / best:.1f}x" if best else "-"
    lines.append(f"| all layers | {len(rows)} | | | {best:.1f} | | {first:.1f} | {ratio} |")
    return lines


# Which results stand in which document, and how.
DOCUMENTS: dict[str, dict[str, Callable[[Result], str]]] = {
    "README.md": {"resnet50": peers},
    "docs/tuning.md": {"tuning": tuning},
    "docs/models.md": {"vision": vision, "conversions": models},
    "docs/quantizers.md": {"quantizers": headed(quantizers_table.everything)},
    "docs/accuracy.md": {"accuracy": headed(accuracy)},
    "docs/transformers.md": {
        "gemm": headed(transformer_table.products),
        "transformer": headed(transformer_table.everything),
    },
}


if __name__ == "__main__":
    sys.exit(main())
