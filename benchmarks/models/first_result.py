"""One process from its imports to its first result, then runs that are timed; tuning.py starts it.

python -m benchmarks.models.first_result MODEL REPORT.json
    [--tune MODE [--cache-dir DIR]] [--batch N] [--runs N]

Without --tune the model is run by onnxruntime alone.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROVIDERS = ["CUDAExecutionProvider", "CPUExecutionProvider"]

Options = dict[str, Any]


class Clock:
    """Seconds of each part, in the order of their names."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        self.parts[name] = round(self.parts.get(name, 0) + time.perf_counter() - start, 3)
        return result


def import_onnxruntime() -> None:
    import onnxruntime  # noqa: F401


def import_custom_ops() -> None:
    from qudnn import custom_ops  # noqa: F401


def load_libraries() -> None:
    from qudnn.custom_ops import cuda

    cuda.load_libraries()


def open_session(model: str, options: Options | None, **provider: str) -> Any:
    """A session; options: those of qudnn.register, None for onnxruntime alone."""
    import onnxruntime

    from qudnn import custom_ops

    session_options = onnxruntime.SessionOptions()
    if options is not None:
        assert custom_ops.register(session_options, PROVIDERS, **options)
    providers = [(PROVIDERS[0], provider), PROVIDERS[1]]
    session = onnxruntime.InferenceSession(model, session_options, providers=providers)
    assert PROVIDERS[0] in session.get_providers(), "onnxruntime fell back to the CPU"
    return session


def first_result(model: str, options: Options | None, batch: int) -> dict[str, float]:
    """Seconds that the imports, the session and its first run take."""
    clock = Clock()
    clock.time("imports", import_onnxruntime)
    if options is not None:
        clock.time("imports", import_custom_ops)
    else:  # needs the libraries only, and would find them in another way without custom_ops
        import_custom_ops()
        clock.time("imports", load_libraries)
    inputs = {"x": images(batch, model, options)}
    session = clock.time("session", lambda: open_session(model, options))
    clock.time("first run", lambda: session.run(None, inputs))
    return clock.parts | {"total": round(sum(clock.parts.values()), 3)}


def images(batch: int, model: str, options: Options | None) -> Any:
    import numpy as np

    values = np.random.default_rng(0).standard_normal((batch, 3, 224, 224), dtype=np.float32)
    return values.astype(np.float16) if options is None else values


def times(model: str, options: Options, batch: int, runs: int) -> dict[str, float]:
    """Milliseconds of a run with input and results on the GPU, in a CUDA graph."""
    from qudnn.custom_ops.measuring.bound import Bound
    from qudnn.custom_ops.measuring.times import measure

    session = open_session(model, options, enable_cuda_graph="1")
    seconds = measure([Bound(session, {"x": images(batch, model, options)})], runs).latencies
    values = {"median": statistics.median(seconds), "min": min(seconds), "max": max(seconds)}
    return {name: round(value * 1e3, 4) for name, value in values.items()}


def layers(model: str, options: Options, batch: int, folder: Path) -> list[dict[str, Any]]:
    """Each op that has one plan, in the order they run: its name, and the shapes of x, its weights and y.

    folder: where onnxruntime's profile lies for a while.
    """
    import onnxruntime

    from qudnn import custom_ops
    from qudnn.custom_ops.measuring.layers import profiled

    session_options = onnxruntime.SessionOptions()
    session_options.enable_profiling = True
    session_options.profile_file_prefix = str(folder / "profile")
    custom_ops.register(session_options, PROVIDERS, **options)
    session = onnxruntime.InferenceSession(model, session_options, providers=PROVIDERS)
    session.run(None, {"x": images(batch, model, options)})
    planned = ("QConv", "QConvAdd", "QConvTable", "QMatMul", "QMatMulTable", "QMatMulAdd", "QMatMulAddTable")
    return [layer for layer in profiled(session, 1) if layer["op"] in planned]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("report", type=Path)
    parser.add_argument("--tune", choices=("full", "background", "heuristic", "cached"))
    parser.add_argument("--cache-dir", default="")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--runs", type=int, default=0, help="runs to time afterwards")
    arguments = parser.parse_args()
    options = None
    if arguments.tune:
        options = {"tune": arguments.tune, "cache_dir": arguments.cache_dir}
    report: dict[str, Any] = {"start": first_result(arguments.model, options, arguments.batch)}
    if options is not None:
        from qudnn.custom_ops import plans

        report["statistics"] = dict(plans.statistics())
        if arguments.runs:
            report["times"] = times(arguments.model, options, arguments.batch, arguments.runs)
            report["layers"] = layers(arguments.model, options, arguments.batch, arguments.report.parent)
        report["plans"] = [dict(info) for info in plans.list()]
    arguments.report.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
