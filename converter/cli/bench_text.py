"""The results of `qudnn bench MODEL` as text."""

from collections.abc import Sequence
from typing import Any

from qudnn.converter.cli.terminal import cell, columns

_MOST_LAYERS = 20  # in the table of a profile


def text(document: dict[str, Any], is_verbose: bool) -> list[str]:
    """The results for people: what they are of, a table, and one of the layers."""
    machine = document["machine"]
    where = machine.get("gpu", "the GPU") if document["device"] == "GPU" else machine["processor"]
    lines = [
        f"{document['model']} on {where}, onnxruntime {machine['onnxruntime']}, qudnn {document['qudnn']}"
    ]
    if document["quantized_nodes"] is not None:
        lines.append(
            f"{document['converted_nodes']} of {document['quantized_nodes']} quantized nodes converted"
        )
    if document["device"] == "CPU":
        lines.append(f"on the CPU, for {document['why_no_gpu']}")
        lines.append(
            "There the converted model runs through its function bodies, which say what its ops compute and "
            "are not made to be fast: these numbers tell nothing of qudnn's kernels."
        )
    lines += ["", *_table(document["rows"])]
    if document["layers"]:
        lines += ["", *_layer_table(document["layers"], document["floor"], is_verbose)]
    return lines


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    headings = (
        "inputs",
        "model",
        "runs",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "items/s",
        "MiB",
        "speed-up",
    )
    found: list[tuple[str, ...]] = [headings]
    for row in rows:
        if "failed" in row:
            continue
        latency = row["latency_ms"]
        found.append(
            (
                cell(row["shapes"]),
                title(row),
                str(row["runs"]),
                *(f"{latency[name]:.3f}" for name in ("p50", "p90", "p99")),
                f"{row['items_per_second']:.1f}",
                f"{row['memory_mb']:.0f}",
                _ratio(row, rows),
            )
        )
    failures = [
        f"{cell(row['shapes'])}, {title(row)}: {cell(row['failed'])}" for row in rows if "failed" in row
    ]
    return columns(found, 2) + failures


def title(row: dict[str, Any]) -> str:
    """`qudnn, CUDA graph, 4 streams`."""
    streams = f", {row['streams']} streams" if row["streams"] > 1 else ""
    graph = ", CUDA graph" if row["cuda_graph"] else ""
    return f"{row['model']}{graph}{streams}"


def _ratio(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """How many times the items a second of the unconverted model, in the same way."""
    for other in rows:
        same = all(other[name] == row[name] for name in ("shapes", "streams"))
        if same and other["model"] == "unconverted" and not other["cuda_graph"] and "failed" not in other:
            return f"{row['items_per_second'] / other['items_per_second']:.2f}x"
    return "-"


def _layer_table(
    layers: Sequence[dict[str, Any]], floor: dict[str, Any] | None, is_verbose: bool
) -> list[str]:
    """Layers as they come: those that lose most time first. Without a floor, of those columns none."""
    shown = layers if is_verbose else layers[:_MOST_LAYERS]
    of_floor = ("floor us", "of floor", "lost us") if floor else ()
    found = [("layer", "op", "engine", "us", "share", "kernel us", "GOP", "MiB", *of_floor)]
    found += [
        (
            cell(layer["node"]),
            layer["op"],
            layer["engine"] or layer["provider"].removesuffix("ExecutionProvider"),
            f"{layer['us']:.1f}",
            f"{layer['share']:.1%}",
            _kernel(layer),
            "-" if layer["operations"] is None else f"{layer['operations'] / 1e9:.3f}",
            f"{layer['bytes'] / 2**20:.2f}",
            *(_floor(layer) if floor else ()),
        )
        for layer in shown
    ]
    rest = len(layers) - len(shown)
    total = sum(layer["us"] for layer in layers)
    last = f"{len(layers)} layers, {total:.1f} us, each by itself with its launch"
    lines = [*columns(found, 3), last + (f"; {rest} more with -v" if rest else "")]
    return lines + ([_about_floor(layers, floor)] if floor else [])


def _kernel(layer: dict[str, Any]) -> str:
    if layer["kernel_us"] is None:
        return "-"
    return f"{'~' if layer['kernel_is'] == 'estimated' else ''}{layer['kernel_us']:.1f}"


def _floor(layer: dict[str, Any]) -> tuple[str, str, str]:
    """Where nothing tells the kernels' time the share is a lower bound, as the time has the launch in it."""
    if layer["of_floor"] is None:
        return "-", "-", "-"
    least = ">" if layer["kernel_us"] is None else ""
    return f"{layer['floor_us']:.1f}", f"{least}{layer['of_floor']:.0%}", f"{layer['lost_us']:.1f}"


def _about_floor(layers: Sequence[dict[str, Any]], floor: dict[str, Any]) -> str:
    total = sum(layer["floor_us"] for layer in layers)
    operations, moved = floor["operations_per_second"] / 1e12, floor["bytes_per_second"] / 1e12
    peak = f"{operations:.0f} int8 TOPS and {moved:.2f} TB/s" if operations else f"{moved:.2f} TB/s"
    return (
        f"floor: {total:.1f} us in all, by {peak}: {floor['source']}. "
        "Its share is that of kernel us, or, with >, of us"
    )
