"""Sessions, comparisons of bits, and times, the same way everywhere."""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

Feed = Mapping[str, npt.NDArray[Any]]  # values of a model's inputs, by name

CPU = ["CPUExecutionProvider"]
CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]

_ELEMENT_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


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


class Bound:
    """A session bound to `feed` and to results of its own, all on the session's device.

    The addresses stay the same from run to run, as CUDA graphs need it. Inputs are cast to the model's
    types. The dynamic dimensions of the results are taken to be the batch size.
    """

    def __init__(self, session: onnxruntime.InferenceSession, feed: Feed):
        device = "cuda" if "CUDAExecutionProvider" in session.get_providers() else "cpu"
        self._session = session
        self._binding = session.io_binding()
        # Bound for as long as this object lives: the binding itself holds no reference.
        self._inputs, self._outputs = [], []
        for x in session.get_inputs():
            array = feed[x.name].astype(_ELEMENT_TYPES[x.type], copy=False)
            self._inputs.append(onnxruntime.OrtValue.ortvalue_from_numpy(array, device))
            self._binding.bind_ortvalue_input(x.name, self._inputs[-1])
        batch = len(next(iter(feed.values())))
        for y in session.get_outputs():
            shape = [batch if isinstance(size, str) else size for size in y.shape]
            value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, _ELEMENT_TYPES[y.type], device)
            self._binding.bind_ortvalue_output(y.name, value)
            self._outputs.append(value)

    def run(self) -> None:
        """One run, to its end."""
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()

    def results(self) -> list[npt.NDArray[Any]]:
        return [value.numpy() for value in self._outputs]

    def seconds(self, runs: int = 20, warm: int = 5) -> list[float]:
        """The times of `runs` runs, after `warm` runs that do not count."""
        for _ in range(warm):
            self.run()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.run()
            times.append(time.perf_counter() - start)
        return times


def median_seconds(session: onnxruntime.InferenceSession, feed: Feed, runs: int = 20) -> float:
    return statistics.median(Bound(session, feed).seconds(runs))
