"""One network from several quantizers, each converted: whether one form is as fast as the other.

    python -m benchmarks.models.quantizers --models DIR --reference NAME
    writes benchmarks/results/quantizers-*.json

DIR holds NAME.onnx for each quantizer: image networks that are quantized statically; their weights may be
left out (see seeded.py). At each batch size, with a CUDA graph and without, all are measured in one process,
in blocks that take turns. `ratio` is a median over that of the reference. Bits are compared with those of the
converted model on the CPU provider; `from the original` is how that one differs from the original there.
Tuned as by default, from an empty folder of plans, which all of the run shares. Without a GPU there are no
times.
"""

import argparse
import math
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime import InferenceSession as Session

from benchmarks.models import networks, seeded
from benchmarks.models.prepared import Array, Prepared, off_the_gpu, prepare_all
from benchmarks.report import outcome
from qudnn import converter, custom_ops
from qudnn.custom_ops import cuda
from qudnn.custom_ops.exact import session_options
from qudnn.custom_ops.measuring.bound import Bound, cast, on_gpu, on_gpu_only
from qudnn.custom_ops.options import TUNE, default
from zoo.measure import CPU

ROOT = Path(__file__).resolve().parents[2]
GRAPH, PLAIN = "CUDA graph", "no CUDA graph"
WAYS: dict[str, dict[str, str]] = {GRAPH: {"enable_cuda_graph": "1"}, PLAIN: {}}
IMAGES = 4  # that differ; they fill a batch in turn


def prepare(path: Path) -> Prepared:
    original = seeded.fill(onnx.load(path))
    start = time.perf_counter()
    conversion = converter.convert(original)
    row = outcome.conversion(conversion.report) | {"conversion, s": round(time.perf_counter() - start, 2)}
    converted = conversion.model.SerializeToString()
    feed = {original.graph.input[0].name: networks.images(original, IMAGES)}
    exact = session_options(original)
    exact.intra_op_num_threads = 0  # all cores
    on_cpu = Session(converted, providers=CPU), Session(original.SerializeToString(), exact, providers=CPU)
    results, of_original = (session.run(None, cast(session, feed)) for session in on_cpu)
    row["from the original"] = outcome.differences(of_original, results)
    return Prepared(converted, row, {IMAGES: feed}, {IMAGES: results})


def resized(array: Array, batch: int) -> Array:
    """So many images, or results of images, again and again the same."""
    return np.resize(array, (batch, *array.shape[1:]))


class Comparison:
    """The models on the GPU."""

    def __init__(self, prepared: dict[str, Prepared], reference: str, runs: int) -> None:
        self.prepared, self.reference, self.runs = prepared, reference, runs
        self.plain: dict[str, Session] = {}  # for all batch sizes; a CUDA graph is of one

    def measure(self, way: str, batch: int) -> dict[str, outcome.Row]:
        """Each model's times in milliseconds, ratio and elements that differ, or why it has none."""
        bound: dict[str, Bound] = {}
        rows = {
            name: outcome.attempt(partial(self._start, bound, name, way, batch)) for name in self.prepared
        }
        try:
            for name, times in outcome.in_turn(bound, self.runs).items():
                expected = [resized(y, batch) for y in self.prepared[name].expected[IMAGES]]
                rows[name] |= times | outcome.differences(expected, bound[name].results())
        except Exception as error:
            rows |= {name: {"failed": str(error) or repr(error)} for name in bound}
        least = rows.get(self.reference, {}).get("median")
        for name, row in rows.items():
            if least and "median" in row:
                row["ratio"] = round(row["median"] / least, 3)
            print(
                f"batch {batch:3}  {way:14} {name:10} {outcome.describe(row)}  {row.get('ratio', '')}",
                flush=True,
            )
        return rows

    def _start(self, bound: dict[str, Bound], name: str, way: str, batch: int) -> outcome.Row:
        """Its session, bound and run once."""
        prepared = self.prepared[name]
        feed = {x: resized(images, batch) for x, images in prepared.feeds[IMAGES].items()}
        start = time.perf_counter()
        session = self.plain.get(name) if way == PLAIN else None
        if session is None:
            providers = on_gpu(**WAYS[way])
            session = on_gpu_only(custom_ops.InferenceSession(prepared.converted, providers=providers))
        if way == PLAIN:
            self.plain[name] = session
        each = Bound(session, feed)
        each.run()
        bound[name] = each
        return {"first result, s": round(time.perf_counter() - start, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, metavar="DIR", required=True)
    parser.add_argument(
        "--reference", metavar="NAME", required=True, help="what the others are compared with"
    )
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 64, 256], help="batch sizes")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--within", type=float, metavar="PERCENT", default=10, help="of the reference's time")
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="start no batch size after so long")
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    paths = {path.stem: path for path in sorted(arguments.models.glob("*.onnx"))}
    if arguments.reference not in paths:
        parser.error(
            f"{arguments.models} has no {arguments.reference}.onnx; it has {', '.join(paths) or 'no model'}"
        )
    paths = {arguments.reference: paths[arguments.reference]} | paths
    with tempfile.TemporaryDirectory(prefix="quantizers-", ignore_cleanup_errors=True) as folder:
        os.environ["QUDNN_CACHE_DIR"] = str(Path(folder, "plans"))
        result = measure(arguments, paths, folder)
    print(outcome.write("quantizers", result, arguments.out, arguments.commit))
    print(f"passed: {result['passed']}, {result['seconds']} s")
    return int(not result["passed"])


def measure(arguments: argparse.Namespace, paths: dict[str, Path], folder: str) -> outcome.Row:
    """The result, written after each batch size too."""
    start = time.perf_counter()
    found = prepare_all({name: partial(prepare, path) for name, path in paths.items()})
    print(f"prepared in {time.perf_counter() - start:.1f} s", flush=True)
    prepared = {name: each for name, each in found.items() if isinstance(each, Prepared)}
    models: dict[str, Any] = {
        name: each.row | {"batches": {}} if isinstance(each, Prepared) else {"failed": each}
        for name, each in found.items()
    }
    result: outcome.Row = {
        "tune": default(TUNE),
        "runs": arguments.runs,
        "reference": arguments.reference,
        "within, %": arguments.within,
        "models": models,
    }
    cuda.load_libraries()
    if cuda.driver_present() and prepared:
        comparison = Comparison(prepared, arguments.reference, arguments.runs)
        for batch in arguments.batch:
            passed = time.perf_counter() - start
            late = arguments.limit is not None and passed > arguments.limit
            for way in WAYS:
                not_begun = {name: {"failed": f"not begun after {passed:.0f} s"} for name in prepared}
                for name, row in (not_begun if late else comparison.measure(way, batch)).items():
                    models[name]["batches"].setdefault(batch, {})[way] = row
            outcome.write("quantizers", result, arguments.out, arguments.commit)
        for name, each in prepared.items():
            feed = {x: resized(images, arguments.batch[0]) for x, images in each.feeds[IMAGES].items()}
            models[name]["off the GPU"] = off_the_gpu(each.converted, feed, folder)
    result["seconds"] = round(time.perf_counter() - start, 1)
    most = 1 + arguments.within / 100
    result["passed"] = all(outcome.passed(model) and _slowest(model) <= most for model in models.values())
    return result


def _slowest(model: outcome.Row) -> float:
    """The largest ratio, infinity where one is missing."""
    return max(
        (row.get("ratio", math.inf) for ways in model["batches"].values() for row in ways.values()), default=0
    )


if __name__ == "__main__":
    sys.exit(main())
