"""Runs a model and says what ran it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import onnxruntime
import pytest

from cases.builder import Array
from qudnn import custom_ops
from qudnn.converter.comparison.difference import difference
from qudnn.custom_ops.exact import session_options as session_options
from qudnn.custom_ops.exact import takes_precision as takes_precision
from qudnn.custom_ops.profile import Kernel, kernels

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# What onnxruntime says if it is too old for a model, see versions/oldest.py; the first not of converted ones.
_IS_OLD = tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 25)
_TOO_NEW = ("Could not find an implementation", "max supported IR version", "is under development")


@dataclass(frozen=True)
class Result:
    """What a run gave: outputs by name, and how many times each kernel ran."""

    outputs: dict[str, Array]
    executed: Counter[Kernel]

    def providers(self, op: str) -> Counter[str]:
        """Where the op ran, and how many times."""
        return Counter({kernel.provider: n for kernel, n in self.executed.items() if kernel.op_type == op})


def run(
    model: onnx.ModelProto,
    inputs: Mapping[str, Array],
    provider: str = CPU,
    register: bool | None = None,
    provider_options: Mapping[str, str] | None = None,
) -> Result:
    """Runs `model` once, profiled.

    register: whether the session gets libqudnn.so. By default just on the GPU: onnxruntime refuses a
    model whose ops are registered for a provider that the session does not have.
    """
    with TemporaryDirectory() as folder:
        options = session_options(model)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = open_session(model, provider, register, options, provider_options)
        return Result(outputs(session, inputs), kernels(session))


def outputs(session: onnxruntime.InferenceSession, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Runs a session; its outputs by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def open_session(
    model: onnx.ModelProto,
    provider: str = CPU,
    register: bool | None = None,
    options: onnxruntime.SessionOptions | None = None,
    provider_options: Mapping[str, str] | None = None,
) -> onnxruntime.InferenceSession:
    """A session on one provider; arguments as in `run`."""
    options = options or session_options(model)
    providers: Sequence[Any] = [(provider, dict(provider_options or {}))]
    if register is None:
        register = provider == CUDA
    if register:
        assert bool(custom_ops.register(options, [provider])) == (provider == CUDA)
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    except Exception as error:
        if _IS_OLD and any(reason in str(error) for reason in _TOO_NEW[bool(model.functions) :]):
            pytest.skip(f"onnxruntime {onnxruntime.__version__} does not know this: {error}")
        raise


def assert_same_bits(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    """Compares outputs by name: dtype, shape, bits."""
    assert actual.keys() == expected.keys()
    for name, want in expected.items():
        found = difference(actual[name], want)
        assert found is None, f"{name}: {found}"
