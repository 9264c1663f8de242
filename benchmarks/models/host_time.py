"""What a node costs the host where no CUDA graph replays it.

    python -m benchmarks.models.host_time MODEL [MODEL ...] [--batch N,N] [--shape NAME=SIZES]
                                          [--tune MODE] [--runs N] [--without-gpu]

A run is enqueued without waiting for the GPU: meanwhile the host works, for onnxruntime and for the kernels
of its nodes. Where that takes longer than what the GPU does, a run takes as long. Models are converted unless
they are; inputs and results lie on the GPU. Times are medians, in microseconds.

--without-gpu: qudnn's nodes run on the CPU provider over a CUDA runtime that does nothing, of
csrc/testing/fakes/, so the time is onnxruntime's and qudnn's own, without that of CUDA's launches.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime

from qudnn import custom_ops
from qudnn.converter import convert, is_converted
from qudnn.converter.cli.benching import shapes
from qudnn.converter.cli.random_inputs import random_inputs
from qudnn.converter.cli.shapes import describe, inputs_of
from qudnn.custom_ops import cuda
from qudnn.custom_ops.location import find_library
from qudnn.custom_ops.measuring.bound import Bound, Feed, on_gpu, on_gpu_only
from qudnn.custom_ops.profile import kernels

_WARM = 20
_SESSION_FAKES = "libqudnn_session_fakes.so"
HEADER = f"{'model':24} {'shapes':24} {'nodes':>5} {'a node':>8} {'enqueued':>9} {'whole run':>9}"

Opening = Callable[[onnxruntime.SessionOptions | None], onnxruntime.InferenceSession]


class HostTime(NamedTuple):
    """nodes: kernels that a run starts, whosever they are. Microseconds until it is enqueued, and ended."""

    nodes: int
    enqueued: float
    whole: float

    @property
    def per_node(self) -> float:
        return self.enqueued / self.nodes


def measure(session: Opening, feed: Feed, runs: int) -> HostTime:
    """session: opens one with the options."""
    opened = session(None)
    bound = Bound(opened, feed, opened.run(None, dict(feed)))
    for _ in range(_WARM):
        bound.run()
    enqueued, whole = [], []
    for _ in range(runs):
        start = time.perf_counter()
        bound.enqueue()
        enqueued.append(time.perf_counter() - start)
        bound.wait()
        whole.append(time.perf_counter() - start)
    return HostTime(_nodes(session, feed), 1e6 * statistics.median(enqueued), 1e6 * statistics.median(whole))


def without_gpu(path: Path, tune: str) -> Opening:
    """Opens sessions whose nodes of qudnn do all but their launches; no plan of theirs goes to disk."""
    model = onnx.load(path)
    converted = model if is_converted(model) else convert(model).model
    serialized = converted.SerializeToString()

    def opened(options: onnxruntime.SessionOptions | None) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions() if options is None else options
        options.intra_op_num_threads = 1
        options.add_session_config_entry("qudnn.tune", tune)
        options.add_session_config_entry("qudnn.cache_dir", "")
        options.register_custom_ops_library(find_library(_SESSION_FAKES))
        return onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])

    return opened


def _nodes(session: Opening, feed: Feed) -> int:
    with TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        profiled = session(options)
        profiled.run(None, dict(feed))
        return kernels(profiled).total()


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--batch", type=_sizes, metavar="N,N", help="sizes of the first dimensions")
    parser.add_argument("--shape", action="append", default=[], help="as `qudnn bench` takes it")
    parser.add_argument("--tune", default="full")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--without-gpu", action="store_true", help="onnxruntime's and qudnn's time alone")
    arguments = parser.parse_args()
    if not arguments.without_gpu and not cuda.driver_present():
        parser.error("there is no GPU to enqueue work for")

    print(HEADER)
    for path in arguments.models:
        inputs = inputs_of(onnx.load(path, load_external_data=False))

        def opened(
            options: onnxruntime.SessionOptions | None, path: str = path
        ) -> onnxruntime.InferenceSession:
            session = custom_ops.InferenceSession(path, options, providers=on_gpu(), tune=arguments.tune)
            return on_gpu_only(session)

        session = without_gpu(path, arguments.tune) if arguments.without_gpu else opened
        for each in shapes(inputs, arguments):
            feed = random_inputs(inputs, each, np.random.default_rng(0))
            found = measure(session, feed, arguments.runs)
            print(
                f"{Path(path).stem:24} {describe(each):24} {found.nodes:5} {found.per_node:8.2f} "
                f"{found.enqueued:9.1f} {found.whole:9.1f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
