"""Sessions, comparisons of bits, and times, the same way everywhere."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from qudnn.custom_ops.measuring.bound import Bound, Feed
from qudnn.custom_ops.measuring.times import measure

CPU = ["CPUExecutionProvider"]
CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def cpu_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """An original model with uint8 activations on onnxruntime's CPU provider: the reference.

    Without x64quantprecision, a processor that lacks VNNI saturates uint8 * int8 products at 16 bits. With
    it, onnxruntime opens neither models that convolve int8 activations nor converted ones.
    """
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=CPU)


def different_bits(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> int:
    """How many elements differ in a bit. Raises ValueError where shapes or dtypes do."""
    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"{a.dtype}{list(a.shape)} cannot be compared with {b.dtype}{list(b.shape)}")
    bits = np.dtype(f"u{a.dtype.itemsize}")
    return int(np.count_nonzero(a.view(bits) != b.view(bits)))


def compare(
    a: onnxruntime.InferenceSession, b: onnxruntime.InferenceSession, batches: Sequence[npt.NDArray[Any]]
) -> tuple[int, int]:
    """Run both over `batches`, values of their only input: (elements that differ in a bit, elements)."""
    different = total = 0
    for batch in batches:
        results = [session.run(None, {session.get_inputs()[0].name: batch}) for session in (a, b)]
        for x, y in zip(*results, strict=True):
            different += different_bits(x, y)
            total += x.size
    return different, total


def median_seconds(session: onnxruntime.InferenceSession, feed: Feed, runs: int = 20) -> float:
    return statistics.median(measure([Bound(session, feed)], runs).latencies)
