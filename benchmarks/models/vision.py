"""Vision models in int8 through qudnn, against float16 in onnxruntime at its best: NHWC, in a CUDA graph.

    python -m benchmarks.models.vision --make-models DIR   once, with torch and torchvision
    python -m benchmarks.models.vision --models DIR        writes benchmarks/results/vision-*.json

Tuned as by default, from an empty folder of plans, which all of the run shares. `first result` is the time
from the model's bytes to the end of the first run, in which plans are tuned. Times are medians of runs
with input and results on the GPU. Bits are compared with those of the unconverted model on the CPU provider,
at each batch size that is measured. Without a GPU there are no times, and the converted model runs on the
CPU provider.
"""

import argparse
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt
from onnxruntime import InferenceSession as Session

from benchmarks.models import networks
from benchmarks.models.prepared import Prepared, off_the_gpu, prepare_all
from benchmarks.report import outcome
from qudnn import converter, custom_ops
from qudnn.custom_ops import cuda
from qudnn.custom_ops.exact import session_options
from qudnn.custom_ops.measuring.bound import Bound, on_gpu, on_gpu_only
from qudnn.custom_ops.options import TUNE, default
from zoo.measure import CPU

ROOT = Path(__file__).resolve().parents[2]
QUDNN, PLAIN, FP16 = "qudnn int8, CUDA graph", "qudnn int8", "fp16 NHWC, CUDA graph"
CONVERTED = "converted"
_GRAPH = {"enable_cuda_graph": "1"}
# What is measured, in this order: the form, options of the CUDA provider. The first one tunes.
PEERS: dict[str, tuple[str, dict[str, str]]] = {
    QUDNN: (CONVERTED, _GRAPH),
    PLAIN: (CONVERTED, {}),
    FP16: ("fp16", {**_GRAPH, "prefer_nhwc": "1"}),
}
OTHERS: dict[str, tuple[str, dict[str, str]]] = {  # with --all-peers
    "fp16, CUDA graph": ("fp16", _GRAPH),
    "fp32": ("fp32", {}),
    "int8 unconverted": ("int8", {}),
}


def prepare(folder: Path, name: str, batches: tuple[int, ...]) -> Prepared:
    original = networks.load(folder, name, "int8")
    start = time.perf_counter()
    conversion = converter.convert(original)
    row = outcome.conversion(conversion.report) | {"conversion, s": round(time.perf_counter() - start, 2)}
    feeds = {batch: {"x": networks.images(original, batch, seed=batch)} for batch in batches}
    exact = session_options(original)
    exact.intra_op_num_threads = 0  # all cores
    reference = Session(original.SerializeToString(), exact, providers=CPU)
    expected = {batch: reference.run(None, feed) for batch, feed in feeds.items()}
    return Prepared(conversion.model.SerializeToString(), row, feeds, expected)


class Case:
    """A model at a batch size."""

    def __init__(self, folder: Path, name: str, prepared: Prepared, batch: int, runs: int) -> None:
        self.folder, self.name, self.prepared, self.batch, self.runs = folder, name, prepared, batch, runs
        self.feed = prepared.feeds[batch]

    def measure(self, are_all: bool) -> outcome.Row:
        """Each peer's times in milliseconds, or why it has none; and whether the bits of ours are right."""
        rows: outcome.Row = {}
        for peer, (form, provider) in (PEERS | OTHERS if are_all else PEERS).items():
            rows[peer] = outcome.attempt(partial(self._times, form, provider))
            print(
                f"{self.name:18} batch {self.batch:3}  {peer:24} {outcome.describe(rows[peer])}", flush=True
            )
        fp16 = rows[FP16].get("median")
        for row in rows.values():
            if fp16 and "median" in row:
                row["speed-up"] = round(fp16 / row["median"], 2)
        return rows

    def _times(self, form: str, provider: dict[str, str]) -> outcome.Row:
        is_ours = form == CONVERTED
        opened = custom_ops.InferenceSession if is_ours else Session
        model = self.prepared.converted if is_ours else self._load(form)
        start = time.perf_counter()
        bound = Bound(on_gpu_only(opened(model, providers=on_gpu(**provider))), self.feed)
        bound.run()
        row = {"first result, s": round(time.perf_counter() - start, 2)}
        row |= outcome.times(bound, self.runs)
        return row | self._differences(bound.results()) if is_ours else row

    def _load(self, form: str) -> bytes:
        return bytes(networks.load(self.folder, self.name, form).SerializeToString())

    def _differences(self, results: list[npt.NDArray[Any]]) -> outcome.Row:
        return outcome.differences(self.prepared.expected[self.batch], results)

    def on_the_cpu(self) -> outcome.Row:
        """Bits alone."""
        return self._differences(Session(self.prepared.converted, providers=CPU).run(None, self.feed))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make-models", type=Path, metavar="DIR", help="write the models and stop")
    parser.add_argument("--size", type=int, default=224, help="of the images, with --make-models")
    parser.add_argument("--models", type=Path, metavar="DIR", default=ROOT / "build" / "vision")
    parser.add_argument("--networks", nargs="+", choices=networks.NETWORKS, default=[*networks.NETWORKS])
    parser.add_argument("--batch", type=int, nargs="+", help="batch sizes of all networks, not each its own")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--all-peers", action="store_true", help=f"measure {', '.join(OTHERS)} too")
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="start no case after so long")
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    if arguments.make_models:
        networks.make_models(arguments.make_models, arguments.networks, arguments.size)
        return 0
    cases = {name: tuple(arguments.batch or networks.NETWORKS[name]) for name in arguments.networks}
    for name in cases:
        if not networks.path(arguments.models, name, "int8").is_file():
            parser.error(f"{name} is not in {arguments.models}: --make-models {arguments.models} makes it")
    with tempfile.TemporaryDirectory(prefix="vision-", ignore_cleanup_errors=True) as folder:
        os.environ["QUDNN_CACHE_DIR"] = str(Path(folder, "plans"))
        result, ok = measure(arguments, cases, folder)
    print(outcome.write("vision", result, arguments.out, arguments.commit))
    print(f"passed: {ok}, {result['seconds']} s")
    return int(not ok)


def measure(
    arguments: argparse.Namespace, cases: dict[str, tuple[int, ...]], folder: str
) -> tuple[outcome.Row, bool]:
    """The result, written after each case too, and whether all of it was measured and no bit differs."""
    start = time.perf_counter()
    models: dict[str, Any] = {}
    result: outcome.Row = {"tune": default(TUNE), "runs": arguments.runs, "models": models}
    prepared = prepare_all(
        {name: partial(prepare, arguments.models, name, batches) for name, batches in cases.items()}
    )
    print(f"prepared in {time.perf_counter() - start:.1f} s", flush=True)
    cuda.load_libraries()  # for the peers' sessions
    on_a_gpu = cuda.driver_present()
    for name, batches in cases.items():
        each = prepared[name]
        if isinstance(each, str):
            models[name] = {"failed": each}
            continue
        models[name] = each.row | {"batches": {}}
        for batch in batches:
            passed = time.perf_counter() - start
            if arguments.limit is not None and passed > arguments.limit:
                models[name]["batches"][batch] = {QUDNN: {"failed": f"not begun after {passed:.0f} s"}}
                continue
            case = Case(arguments.models, name, each, batch, arguments.runs)
            rows = case.measure(arguments.all_peers) if on_a_gpu else {CONVERTED: case.on_the_cpu()}
            models[name]["batches"][batch] = rows
            result["seconds"] = round(time.perf_counter() - start, 1)
            outcome.write("vision", result, arguments.out, arguments.commit)
        if on_a_gpu:
            models[name]["off the GPU"] = off_the_gpu(each.converted, each.feeds[batches[0]], folder)
    result["seconds"] = round(time.perf_counter() - start, 1)
    return result, all(map(outcome.passed, models.values()))


if __name__ == "__main__":
    sys.exit(main())
