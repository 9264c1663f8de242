"""What tuning and stored plans bring to ResNet-50: layer by layer, for the whole model, and for its start.

    python -m benchmarks.models.resnet50 --make-models DIR   once, with an onnxruntime that has its quantizer
    python -m benchmarks.models.tuning --models DIR          writes benchmarks/results/tuning-*.json

Everything is measured in processes of its own (first_result.py): with `full` on an empty folder of plans,
then again on the same folder, with `background` and with `heuristic` and no folder, and the float16 model
without qudnn. Needs a GPU.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx

from benchmarks.report import outcome
from qudnn import converter
from qudnn.custom_ops import cuda
from qudnn.custom_ops.measuring.layers import fitting, nodes_of

ROOT = Path(__file__).resolve().parents[2]

# What has to hold, as README.md and docs/tuning.md say it.
FASTER = 1.2  # full against heuristic at the batch size FASTER_AT, times; guesses are kernels of our own
FASTER_AT = "64"
COLD, WARM = 30.0, 1.5  # seconds to the first result: on an empty folder; more than fp16 on a warm one

FP16, EMPTY, STORED, BACKGROUND, HEURISTIC = (
    "fp16, without qudnn",
    "full, empty folder",
    "full, stored plans",
    "background, empty folder",
    "heuristic",
)


class Benchmark:
    def __init__(self, models: Path, scratch: Path, runs: int, repeats: int):
        self.fp16 = models / "fp16.onnx"
        self.int8 = scratch / "int8.onnx"
        converter.convert_file(models / "int8.onnx", self.int8)
        self.nodes = nodes_of(onnx.load(self.int8))
        self.scratch = scratch
        self.runs = runs
        self.repeats = repeats

    def measure(self, batch: int) -> dict[str, Any]:
        """Everything about one batch size."""
        folder = self.scratch / f"plans-{batch}"
        empty = self.process(EMPTY, self.int8, batch, "full", folder, self.runs)
        heuristic = self.process(HEURISTIC, self.int8, batch, "heuristic", None, self.runs)
        stored = [self.process(STORED, self.int8, batch, "full", folder) for _ in range(self.repeats)]
        background = self.process(BACKGROUND, self.int8, batch, "background", None)
        fp16 = [self.process(FP16, self.fp16, batch) for _ in range(self.repeats)]
        assert stored[0]["statistics"]["builds"] == 0, "plans were made that should have been stored"
        full, first = empty["times"], heuristic["times"]
        return {
            "layers": assign(empty["layers"], empty["plans"], self.nodes),
            "model": {
                "full": full,
                "heuristic": first | {"ratio": round(first["median"] / full["median"], 2)},
            },
            "start": {
                FP16: median(fp16),
                EMPTY: empty["start"],
                STORED: median(stored),
                BACKGROUND: background["start"],
                HEURISTIC: heuristic["start"],
            },
            "statistics": {"empty": empty["statistics"], "stored": stored[0]["statistics"]},
        }

    def process(
        self, what: str, model: Path, batch: int, tune: str = "", folder: Path | None = None, runs: int = 0
    ) -> dict[str, Any]:
        """The report of one process."""
        report = self.scratch / "report.json"
        report.unlink(missing_ok=True)
        command = [sys.executable, str(Path(__file__).with_name("first_result.py")), str(model), str(report)]
        command += [f"--batch={batch}", f"--runs={runs}"]
        if tune:
            command += [f"--tune={tune}", f"--cache-dir={folder or ''}"]
        subprocess.run(command, check=True, timeout=500)
        result: dict[str, Any] = json.loads(report.read_text())
        took = f"{result['start']['total']:7.2f} s to the first result"
        if "times" in result:
            took += f", then {result['times']['median']:.3f} ms a run"
        print(f"  batch {batch:3}  {what:20} {took}", flush=True)
        return result


def median(reports: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Of each part, and of the total."""
    starts = [report["start"] for report in reports]
    return {part: round(statistics.median(start[part] for start in starts), 3) for part in starts[0]}


def assign(
    layers: Sequence[dict[str, Any]],
    plans: Sequence[dict[str, Any]],
    nodes: Mapping[str, onnx.NodeProto],
) -> list[dict[str, Any]]:
    """Each layer with its plan. Raises LookupError where none fits."""
    rows = []
    for layer in layers:
        plan = next(iter(fitting(layer, plans, nodes)), None)
        if plan is None:
            raise LookupError(f"no plan for {layer}")
        kept = ("problem", "engine", "plan", "microseconds", "tops", "first_plan", "first_microseconds")
        rows.append({"node": layer["node"]} | {name: plan[name] for name in kept})
    return rows


def check(results: dict[str, Any]) -> dict[str, bool]:
    """Which of the promises hold."""
    totals = {
        batch: {name: part["total"] for name, part in r["start"].items()} for batch, r in results.items()
    }
    checks = {
        f"first result on an empty folder within {COLD:.0f} s": all(
            t[EMPTY] <= COLD for t in totals.values()
        ),
        f"with stored plans at most {WARM} s after fp16": all(
            t[STORED] <= t[FP16] + WARM for t in totals.values()
        ),
    }
    if FASTER_AT in results:
        ratio = results[FASTER_AT]["model"]["heuristic"]["ratio"]
        checks[f"at batch {FASTER_AT} {FASTER} times as fast as with heuristic"] = ratio >= FASTER
    return checks


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, metavar="DIR", default=ROOT / "build" / "resnet50")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3, help="processes for each start that is not cold")
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    if not (arguments.models / "int8.onnx").is_file():
        parser.error(f"no models in {arguments.models}: make them with benchmarks.models.resnet50")
    if not cuda.driver_present():
        parser.error("there is no GPU to measure on")
    with TemporaryDirectory(prefix="qudnn-tuning-") as scratch:
        benchmark = Benchmark(arguments.models, Path(scratch), arguments.runs, arguments.repeats)
        benchmark.process("(reads libraries)", benchmark.fp16, 1)  # so that the first one is not the slowest
        results = {str(batch): benchmark.measure(batch) for batch in arguments.batch}
    checks = check(results)
    result = {
        "runs": arguments.runs,
        "gpu": results,
        "checks": checks,
        "passed": all(checks.values()),
    }
    print(json.dumps({"checks": checks, "model": {b: r["model"] for b, r in results.items()}}, indent=2))
    print(outcome.write("tuning", result, arguments.out, arguments.commit))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
