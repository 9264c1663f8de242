"""ResNet-50 in int8 through qudnn, against what onnxruntime does without it.

    python -m benchmarks.models.resnet50 --make-models DIR   once, with an onnxruntime that has its quantizer
    python -m benchmarks.models.resnet50 --models DIR        writes benchmarks/results/resnet50-*.json

Times are medians of runs with input and results on the GPU (IO binding), all in this one process. The
checks compare bits with the CPU provider, look for nodes that left the GPU, and watch memory. Without a
GPU only the CPU provider is measured.
"""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnxruntime import InferenceSession as Session

from benchmarks.report import outcome
from qudnn import converter, custom_ops
from qudnn.custom_ops import cuda
from qudnn.custom_ops.measuring import machine
from qudnn.custom_ops.measuring.bound import Bound, on_gpu, on_gpu_only
from qudnn.custom_ops.profile import kernels
from zoo.measure import CPU, cpu_session, different_bits
from zoo.resnet import resnet50

ROOT = Path(__file__).resolve().parents[2]
Array = npt.NDArray[np.float32]

QUDNN = "qudnn int8, CUDA graph"  # what the others' times are divided by
SMALL = 64  # the image size of the small model, for thousands of runs


def make_models(folder: Path) -> None:
    """Write the float16 and the quantized models into `folder`."""
    from zoo.quantize import quantize

    folder.mkdir(parents=True, exist_ok=True)
    model = resnet50()
    calibration = images(4, seed=1)
    onnx.save(resnet50(dtype=np.float16), folder / "fp16.onnx")
    onnx.save(quantize(model, calibration), folder / "int8.onnx")
    onnx.save(quantize(model, calibration, form="QDQ"), folder / "qdq.onnx")
    onnx.save(
        quantize(resnet50(size=SMALL, width=0.25), images(4, size=SMALL, seed=1)), folder / "small.onnx"
    )


def images(count: int, *, size: int = 224, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((count, 3, size, size), dtype=np.float32)


class Benchmark:
    """The models of a folder and the sessions over them."""

    def __init__(self, folder: Path, runs: int):
        self.folder = folder
        self.runs = runs
        original = onnx.load(folder / "int8.onnx")
        self.reference = cpu_session(original)
        conversion = converter.convert(original)
        self.report = conversion.report
        self.converted = conversion.model.SerializeToString()
        self.small = converter.convert(folder / "small.onnx").model.SerializeToString()

    def peers(self) -> dict[str, Callable[[], Session]]:
        """What is measured on the GPU, slowest first."""

        def original(name: str, **provider: str) -> Callable[[], Session]:
            return lambda: Session(str(self.folder / name), providers=on_gpu(**provider))

        return {
            "int8 QOperator": original("int8.onnx"),
            "int8 QDQ": original("qdq.onnx"),
            "fp16": original("fp16.onnx"),
            "fp16, CUDA graph": original("fp16.onnx", enable_cuda_graph="1"),
            "fp16 NHWC, CUDA graph": original("fp16.onnx", enable_cuda_graph="1", prefer_nhwc="1"),
            "qudnn int8": lambda: self.session(),
            QUDNN: lambda: self.session(enable_cuda_graph="1"),
        }

    def session(self, **provider: str) -> Session:
        return custom_ops.InferenceSession(self.converted, providers=on_gpu(**provider))

    def times(self, batch: int) -> dict[str, Any]:
        """Each peer's times in milliseconds, or why it has none."""
        table: dict[str, Any] = {}
        feed = {"x": images(batch)}

        def times(make: Callable[[], Session]) -> outcome.Row:
            return outcome.milliseconds(on_gpu_only(make()), feed, self.runs)

        for name, make in self.peers().items():
            table[name] = outcome.attempt(partial(times, make))
            print(f"  batch {batch:3}  {name:24} {outcome.describe(table[name])}", flush=True)
        ours = table[QUDNN].get("median")
        for row in table.values():
            if ours and "median" in row:
                row["ratio"] = round(row["median"] / ours, 2)
        return table

    def cpu_times(self, batch: int) -> dict[str, Any]:
        """The original and the converted model, without the library, on the CPU provider."""
        sessions = {"int8 QOperator": self.reference, "converted": Session(self.converted, providers=CPU)}
        feed = {"x": images(batch)}
        bound = {name: Bound(session, feed) for name, session in sessions.items()}
        table: dict[str, Any] = {
            name: outcome.milliseconds(session, feed, self.runs) for name, session in sessions.items()
        }
        for each in bound.values():
            each.run()
        table["differing elements"] = different_bits(*(each.results()[0] for each in bound.values()))
        return table

    def bits(self, count: int = 64) -> dict[str, int]:
        """Elements that differ from the original model's on the CPU provider."""
        batch = images(count, seed=2)
        expected = self.reference.run(None, {"x": batch})[0]
        different = {"images": count, "elements": expected.size}
        for name, provider in (("without CUDA graph", {}), ("with CUDA graph", {"enable_cuda_graph": "1"})):
            bound = Bound(self.session(**provider), {"x": batch})
            for _ in range(3):  # the first run captures the graph, the next ones replay it
                bound.run()
            different[name] = different_bits(expected, bound.results()[0])
        return different

    def nodes(self) -> dict[str, Any]:
        """The kernels of one run by provider; how many are not on the GPU or copy to or from it."""
        profiled = onnxruntime.SessionOptions()
        profiled.enable_profiling = True
        profiled.profile_file_prefix = str(self.folder / "profile")
        session = custom_ops.InferenceSession(self.converted, profiled, providers=on_gpu())
        session.run(None, {"x": images(1)})
        ran = kernels(session)
        return {
            "kernels": {f"{k.provider}/{k.op_type}": n for k, n in sorted(ran.items())},
            "off the GPU": sum(n for k, n in ran.items() if k.provider != "CUDAExecutionProvider"),
            "Memcpy": sum(n for k, n in ran.items() if k.op_type.startswith("Memcpy")),
        }

    def memory(self, runs: int = 10_000) -> dict[str, float]:
        """Growth in MB over `runs` runs of the small model, on the GPU and in this process."""
        session = custom_ops.InferenceSession(self.small, providers=on_gpu())
        feed = {"x": images(1, size=SMALL)}
        for _ in range(200):
            session.run(None, feed)
        before = machine.gpu_memory_mb(), machine.process_memory_mb()
        for _ in range(runs):
            session.run(None, feed)
        after = machine.gpu_memory_mb(), machine.process_memory_mb()
        return {"runs": runs, "GPU": after[0] - before[0], "process": round(after[1] - before[1], 1)}


def passed(checks: dict[str, Any]) -> bool:
    """No differing element, no node off the GPU, no copy, no growth beyond noise."""
    bits, nodes, memory = checks["bits"], checks["nodes"], checks["memory"]
    return bool(
        bits["without CUDA graph"] == bits["with CUDA graph"] == 0
        and nodes["off the GPU"] == nodes["Memcpy"] == 0
        and max(memory["GPU"], memory["process"]) < 16
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make-models", type=Path, metavar="DIR", help="write the models and stop")
    parser.add_argument("--models", type=Path, metavar="DIR", default=ROOT / "build" / "resnet50")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    if arguments.make_models:
        make_models(arguments.make_models)
        return 0
    if not (arguments.models / "small.onnx").is_file():
        parser.error(f"no models in {arguments.models}: make them with --make-models {arguments.models}")

    cuda.load_libraries()  # for the peers' sessions
    benchmark = Benchmark(arguments.models, arguments.runs)
    print(benchmark.report)
    result: dict[str, Any] = {
        "runs": arguments.runs,
        "cpu": {"1": benchmark.cpu_times(1)},
    }
    ok = result["cpu"]["1"]["differing elements"] == 0
    if cuda.driver_present():
        result["gpu"] = {str(batch): benchmark.times(batch) for batch in arguments.batch}
        result["checks"] = {
            "bits": benchmark.bits(),
            "nodes": benchmark.nodes(),
            "memory": benchmark.memory(),
        }
        ok = ok and passed(result["checks"])
    result["passed"] = ok
    out = outcome.write("resnet50", result, arguments.out, arguments.commit)
    print(json.dumps({key: result[key] for key in ("cpu", "checks", "passed") if key in result}, indent=2))
    print(out)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
