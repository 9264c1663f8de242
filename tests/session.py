"""Runs a model and says what ran it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from cases.builder import Array
from qudnn import custom_ops
from zoo.profile import Kernel, kernels

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# What onnxruntime says if it is too old for a model, see versions/oldest.py; the first not of converted ones.
_IS_OLD = tuple(map(int, onnxruntime.__version__.split(".")[:2])) < (1, 25)
_TOO_NEW = ("Could not find an implementation", "max supported IR version", "is under development")

# The operators whose weights x64quantprecision turns into uint8, and which input is the input's zero point.
_WITH_WEIGHTS = {"QLinearConv": 2, "QLinearMatMul": 2, "QGemm": 2, "MatMulIntegerToFloat": 4}

_MATMULS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Transpose"}  # or what stands before one


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


def session_options(model: onnx.ModelProto) -> onnxruntime.SessionOptions:
    """Options under which the CPU provider computes exactly, and starts fast.

    Without x64quantprecision a processor that lacks VNNI saturates uint8 * int8 products at 16 bits.
    With it onnxruntime opens no model that convolves int8 activations, a converted one least of all:
    it makes the weights uint8, and has no kernel for int8 * uint8. Nor does it decide as it does by default
    what to compute in integers where an int8 constant, which becomes uint8, meets int8 tensors.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if takes_precision(model):
        options.add_session_config_entry("session.x64quantprecision", "1")
    return options


def takes_precision(model: onnx.ModelProto) -> bool:
    """Whether onnxruntime opens the model with x64quantprecision, and decides as without."""
    nodes = list(_nodes(model.graph))
    constants = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    zero_points = [node.input[_WITH_WEIGHTS[node.op_type]] for node in nodes if node.op_type in _WITH_WEIGHTS]
    int8 = onnx.TensorProto.INT8
    types = constants | {x.name: x.type.tensor_type.elem_type for x in model.graph.input}
    dequantized = {
        node.output[0]: node.input[0] in constants
        for node in nodes
        if node.op_type == "DequantizeLinear" and types.get(node.input[0]) == int8
    }
    # Who reads int8 constants, and is no matmul, or an int8 tensor besides.
    other = any(
        any(dequantized.get(name, False) for name in node.input)
        and (node.op_type not in _MATMULS or not dequantized.get(node.input[0], True))
        for node in nodes
    )
    return not model.functions and int8 not in {constants.get(name) for name in zero_points} and not other


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Its nodes and those of bodies in it: onnxruntime's optimizer works on them as well."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _nodes(body)


def assert_same_bits(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> None:
    """Compares outputs by name: dtype, shape, bits."""
    assert actual.keys() == expected.keys()
    for name, want in expected.items():
        got = actual[name]
        assert got.dtype == want.dtype, f"{name} is {got.dtype}, not {want.dtype}"
        assert got.shape == want.shape, f"{name} is {got.shape}, not {want.shape}"
        bits = np.dtype(f"u{want.dtype.itemsize}")
        different = np.argwhere(got.view(bits) != want.view(bits))
        where = [tuple(map(int, index)) for index in different[:4]]
        assert not len(different), f"{name}: {len(different)} of {want.size} differ, such as " + ", ".join(
            f"{index}: {got[index]!r} for {want[index]!r}" for index in where
        )
