"""A session with its inputs and results where it computes: what is measured is the model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from qudnn.custom_ops.registration import CUDA

Array = npt.NDArray[Any]
Feed = Mapping[str, Array]  # values of a model's inputs, by name

_ELEMENT_TYPES: dict[str, Any] = {
    "tensor(bool)": np.bool_,
    "tensor(double)": np.float64,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    **{
        f"tensor({name})": np.dtype(name).type
        for bits in (8, 16, 32, 64)
        for name in (f"int{bits}", f"uint{bits}")
    },
}

WITHOUT_WAITING = onnxruntime.RunOptions()
WITHOUT_WAITING.add_run_config_entry("disable_synchronize_execution_providers", "1")
# No CUDA graph, as without it. But onnxruntime 1.31 looks for this entry in Python, and where there is none
# that is an exception, which takes 28 us of each run.
WITHOUT_WAITING.add_run_config_entry("gpu_graph_id", "-1")


class Bound:
    """A session bound to `feed` and to results of its own, all on the session's device.

    The addresses stay the same from run to run, as CUDA graphs need it. Inputs are cast to the model's types.

    results: arrays of the shapes that the results have, in their order, as a run has given them. Without
    them the dynamic dimensions of the results are taken to be the batch size.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, feed: Feed, results: list[Array] | None = None
    ) -> None:
        device = "cuda" if CUDA in session.get_providers() else "cpu"
        self._session = session
        self._binding = session.io_binding()
        # Bound for as long as this object lives: the binding itself holds no reference.
        self._inputs, self._outputs = [], []
        for x in session.get_inputs():
            array = feed[x.name].astype(_ELEMENT_TYPES[x.type], copy=False)
            self._inputs.append(onnxruntime.OrtValue.ortvalue_from_numpy(array, device))
            self._binding.bind_ortvalue_input(x.name, self._inputs[-1])
        batch = len(next(iter(feed.values()))) if results is None else 0
        for index, y in enumerate(session.get_outputs()):
            if results is None:
                shape = [size if isinstance(size, int) else batch for size in y.shape]
            else:
                shape = list(results[index].shape)
            value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, _ELEMENT_TYPES[y.type], device)
            self._binding.bind_ortvalue_output(y.name, value)
            self._outputs.append(value)

    def run(self) -> None:
        """One run, to its end."""
        self._session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()

    def enqueue(self) -> None:
        """One run, which the GPU may not have ended yet."""
        self._session.run_with_iobinding(self._binding, WITHOUT_WAITING)

    def wait(self) -> None:
        """Until enqueued runs have ended."""
        self._binding.synchronize_outputs()

    def results(self) -> list[Array]:
        return [value.numpy() for value in self._outputs]


def cast(session: onnxruntime.InferenceSession, feed: Feed) -> dict[str, Array]:
    """The feed in the types of the session's inputs."""
    return {x.name: feed[x.name].astype(_ELEMENT_TYPES[x.type], copy=False) for x in session.get_inputs()}


def reason(error: Exception) -> str:
    """What an error says, in one line; onnxruntime's have several."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def on_gpu(**provider: str) -> list[Any]:
    """Providers of a session on the GPU, with the CUDA provider's options."""
    return [(CUDA, provider), "CPUExecutionProvider"]


def on_gpu_only(session: onnxruntime.InferenceSession) -> onnxruntime.InferenceSession:
    """The session itself. Raises RuntimeError where it is not on the GPU."""
    if CUDA not in session.get_providers():
        raise RuntimeError("onnxruntime fell back to the CPU")
    return session
