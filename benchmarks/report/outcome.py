"""What all benchmarks write down, in the same way: conversions, differences, nodes, times; and the file."""

import json
import math
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from qudnn.converter import Report

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))  # the zoo, for whoever imports this module

from qudnn.custom_ops.measuring import machine  # noqa: E402
from qudnn.custom_ops.measuring.bound import Bound, Feed  # noqa: E402
from qudnn.custom_ops.measuring.times import measure  # noqa: E402
from qudnn.custom_ops.profile import Kernel  # noqa: E402
from zoo.measure import different_bits  # noqa: E402

Row = dict[str, Any]


def conversion(report: Report) -> Row:
    """What a conversion did, and what it left and why."""
    return {
        "ops": sum(report.converted.values()),
        "by op": report.converted,
        "islands": report.islands,
        "entries": report.entries,
        "exits": report.exits,
        "approximate": len(report.approximate),
        "left": [
            {"op": op, "reason": reason, "nodes": nodes}
            for (op, reason), nodes in Counter((left.op_type, left.reason) for left in report.left).items()
        ],
    }


def differences(expected: list[npt.NDArray[Any]], results: list[npt.NDArray[Any]]) -> Row:
    """How many elements differ in a bit, and how far, over the largest value that was expected.

    Raises ValueError where values were expected that are not finite: no result would be wrong then.
    """
    row: Row = {"different": 0, "largest difference": 0.0, "elements": 0}
    for want, got in zip(expected, results, strict=True):
        if not np.isfinite(want).all():
            raise ValueError("the expected results are not finite")
        row["different"] += different_bits(want, got)
        row["elements"] += want.size
        furthest = float(np.abs(want.astype(np.float64) - got).max())
        largest = float(np.abs(want).max())
        row["largest difference"] = max(row["largest difference"], furthest / max(largest, 1e-30))
    return row


def off_the_gpu(ran: Counter[Kernel]) -> dict[str, int]:
    """Of the kernels that ran: those of other providers, and copies to and from the GPU."""
    return {
        f"{kernel.provider}/{kernel.op_type}": count
        for kernel, count in sorted(ran.items())
        if kernel.provider != "CUDAExecutionProvider" or kernel.op_type.startswith("Memcpy")
    }


def milliseconds(session: onnxruntime.InferenceSession, feed: Feed, runs: int) -> Row:
    """Of a run with inputs and results on the session's device, after runs that do not count."""
    return times(Bound(session, feed), runs)


def times(session: Bound, runs: int) -> Row:
    """The same of a session that is bound already."""
    return _of(measure([session], runs).latencies)


def in_turn(sessions: Mapping[str, Bound], runs: int, blocks: int = 3) -> dict[str, Row]:
    """The same of several: in each block all of them in turn, so that what else happens meets them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    for block in range(blocks):
        for name, session in sessions.items():
            seconds[name] += measure([session], math.ceil(runs / blocks), warm=1 if block else 5).latencies
    return {name: _of(each) for name, each in seconds.items()}


def _of(seconds: list[float]) -> Row:
    times = [1e3 * second for second in seconds]
    return {
        "runs": len(times),
        "median": round(statistics.median(times), 4),
        "min": round(min(times), 4),
        "max": round(max(times), 4),
    }


def attempt(measure: Callable[[], Row]) -> Row:
    """What it measures, or why it could not."""
    try:
        return measure()
    except Exception as error:
        return {"failed": str(error) or repr(error)}


def passed(model: Row) -> bool:
    """Whether all batch sizes of a model were measured, no node left the GPU, and no bit differs.

    Bits may where nodes were left in floating point, or the report says that theirs do.
    """
    if "failed" in model or any(model.get("off the GPU", {}).values()):
        return False
    rows = [row for peers in model["batches"].values() for row in peers.values()]
    is_exact = not (model["approximate"] or model["left"])
    return not any("failed" in row or (is_exact and row.get("different")) for row in rows)


def describe(row: Row) -> str:
    """Times in one line."""
    return f"{row['median']:9.3f} ms" if "median" in row else f"failed: {row['failed'].splitlines()[0]}"


def fastest(rows: Row, *peers: str) -> float:
    """The least median of these peers, infinity where none has one."""
    return min(float(rows.get(peer, {}).get("median", math.inf)) for peer in peers)


def write(benchmark: str, result: Row, out: Path | None = None, commit: str | None = None) -> Path:
    """Write `result` with the commit and the machine that it is about; returns where it stands.

    out: the file, benchmarks/results/BENCHMARK-MACHINE.json by default.
    commit: where git cannot tell.
    """
    about = {
        "benchmark": benchmark,
        "commit": commit or machine.commit(ROOT),
        "machine": machine.describe(),
    }
    out = out or ROOT / "benchmarks" / "results" / f"{benchmark}-{machine.slug()}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(about | result, indent=2) + "\n")
    return out
