"""Tables of the results of transformer.py and gemm.py."""

from collections.abc import Iterator
from typing import Any

from benchmarks.report import outcome

Row = dict[str, Any]

GRAPH = ", CUDA graph"
# Reasons for which nodes are left that nobody quantized: float operators, arithmetic on shapes.
NOT_QUANTIZED = ("it works in floating point", "it works on int64", "qudnn has no op for it")


def everything(result: Row) -> list[str]:
    """Times of each model, what converted of it, how results differ, and what was left."""
    lines = []
    for name, model in result["models"].items():
        lines += [*times(name, model), ""]
    lines += [*conversions(result["models"]), "", "What was left of the quantized part:", ""]
    for name, model in result["models"].items():
        for form, row in model["quantized"].items():
            lines += left(f"{name}, {form}", row, without=NOT_QUANTIZED)
    return lines


def times(name: str, model: Row) -> list[str]:
    """One row for each peer, with CUDA graph and without, and one column for each shape.

    Milliseconds, in brackets over qudnn's.
    """
    shapes = list(model["float"])
    peers = dict(_peers(model))
    ours = next((rows for peer, rows in peers.items() if peer.startswith("qudnn")), {})
    lines = [
        f"| {name}, ms | " + " | ".join(f"batch {shape}" for shape in shapes) + " |",
        "| --- |" + " ---: |" * len(shapes),
    ]
    for peer, rows in peers.items():
        cells = (_cell(rows.get(shape), ours.get(shape)) for shape in shapes)
        lines.append(f"| {peer} | {' | '.join(cells)} |")
    return lines


def _peers(model: Row) -> Iterator[tuple[str, dict[str, float]]]:
    """Names and milliseconds by shape; floats first, then onnxruntime's int8, then qudnn's."""
    kinds = [(kind, model["float"], kind) for kind in ("fp32", "fp16")]
    for peer, title in (("unconverted", "int8"), ("qudnn", "qudnn int8")):
        kinds += [
            (f"{title} {form}", row["ms"], peer) for form, row in model["quantized"].items() if "ms" in row
        ]
    for title, by_shape, peer in kinds:
        for suffix in ("", GRAPH):
            key = peer + suffix
            if any(key in rows for rows in by_shape.values()):
                yield title + suffix, {shape: outcome.fastest(rows, key) for shape, rows in by_shape.items()}


def _cell(time: float | None, ours: float | None) -> str:
    if time is None:
        return "-"
    if time == float("inf"):
        return "fails"
    return f"{time:.2f}" + (f" ({time / ours:.1f}x)" if ours else "")


def conversions(models: dict[str, Row]) -> list[str]:
    """One row for each quantized model; differences are by the results' elements."""
    lines = [
        "| model | ops | islands | entries, exits | left | off the GPU | differing: qudnn "
        "| unconverted on the GPU | function bodies |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, model in models.items():
        for form, row in model["quantized"].items():
            if "failed" in row:
                lines.append(f"| {name}, {form} | fails: {row['failed'].splitlines()[0]} |")
                continue
            ops = ", ".join(f"{count} {op}" for op, count in row["by op"].items()) or "none"
            off = sum(row["off the GPU"].values()) if "off the GPU" in row else "-"
            differing = " | ".join(_difference(each) for each in row["differences"].values())
            lines.append(
                f"| {name}, {form} | {ops} | {row['islands']} | {row['entries']}, {row['exits']} "
                f"| {sum(each['nodes'] for each in row['left'])} | {off} | {differing} |"
            )
    return lines


def _difference(row: Row) -> str:
    if "failed" in row:
        return "fails"
    far = f", by {row['largest difference']:.1e}" if row["different"] else ""
    return f"{row['different']} of {row['elements']}{far}"


def left(name: str, row: Row, *, without: tuple[str, ...] = (), most: int = 3) -> Iterator[str]:
    """A line for each operator that was left, with the first of the reasons but `without`."""
    by_op: dict[str, list[str]] = {}
    for each in row.get("left", ()):
        if each["reason"].startswith(without):
            continue
        by_op.setdefault(each["op"], []).append(f"{each['nodes']} x {each['reason']}")
    for op, reasons in by_op.items():
        yield f"- {name}: {op}: {'; '.join(reasons[:most])}{' ...' if len(reasons) > most else ''}"


def products(result: Row) -> list[str]:
    """One row for each size and state of the L2 cache: TOPS of each way, and qudnn's over the best other."""
    ways = list(result["sizes"][0]["ways"])
    lines = [
        f"| m x k to n, L2 | {' | '.join(f'{way}, TOPS' for way in ways)} | ratio |",
        "| --- |" + " ---: |" * (len(ways) + 1),
    ]
    for row in result["sizes"]:
        cells = [f"{way['tops']:.0f}" if "tops" in way else "fails" for way in row["ways"].values()]
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
        lines.append(f"| {row['m']}x{row['k']} to {row['n']}, {row['L2']} | {' | '.join(cells)} | {ratio} |")
    return lines
