"""Dynamically quantized networks for the tests of the passes, an operator at a time."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime

import check
from cases.builder import Array, GraphBuilder, Shape, integers
from qudnn import converter
from qudnn.converter import Report
from qudnn.converter.functions import DOMAIN
from session import assert_same_bits, open_session, outputs, session_options


class DynamicNetwork(GraphBuilder):
    """float32 tensors, named by their user, and matmuls that quantize what they read in each run."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def x(self, shape: Shape, name: str = "x") -> str:
        return self.input(name, "float32", shape)

    def y(self, y: str, rank: int = 3) -> str:
        return self.output(y, "float32", [f"{y}_{axis}" for axis in range(rank)])

    def numbers(self, name: str, *shape: int, mean: float = 0) -> str:
        return self.constant(name, self.rng.normal(mean, 0.5, shape), "float32")

    def integers(self, name: str, *numbers: int) -> str:
        return self.constant(name, numbers, "int64")

    def quantize(self, x: str) -> str:
        """x in 8 bits; several matmuls may read it."""
        self.node("DynamicQuantizeLinear", [x], f"{x}_8")
        self.nodes[-1].output.extend([f"{x}_scale", f"{x}_zero_point"])
        return x

    def matmul(self, x: str, y: str, channels: int, outputs: int, bias: bool = True) -> str:
        """Of x, which quantize() has got, and int8 weights."""
        w = self.constant(f"{y}_w", integers(self.rng, "int8", (channels, outputs)))
        scales = self.constant(f"{y}_w_scale", self.rng.uniform(0.002, 0.004, outputs), "float32")
        self.node("MatMulInteger", [f"{x}_8", w, f"{x}_zero_point"], f"{y}_32")
        self.node("Cast", [f"{y}_32"], f"{y}_cast", to=onnx.TensorProto.FLOAT)
        self.node("Mul", [f"{x}_scale", scales], f"{y}_scales")
        scaled = self.node("Mul", [f"{y}_cast", f"{y}_scales"], f"{y}_scaled" if bias else y)
        return self.node("Add", [scaled, self.numbers(f"{y}_b", outputs)], y) if bias else scaled

    def end(self, x: str, channels: int, y: str = "end", rank: int = 3) -> str:
        """What quantizes x, and a result."""
        return self.y(self.matmul(self.quantize(x), y, channels, 5), rank)

    def model(self, opset: int = 17, functions: Sequence[onnx.FunctionProto] = ()) -> onnx.ModelProto:
        return super().model(opset, functions)


def ops(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def qudnn_ops(model: onnx.ModelProto) -> dict[str, int]:
    return dict(Counter(node.op_type for node in model.graph.node if node.domain == DOMAIN))


def converted(
    original: onnx.ModelProto, sizes: Sequence[int] = (2, 1), optimized: bool = True
) -> tuple[onnx.ModelProto, Report]:
    """The converted model; it keeps its bits at these sizes of what is symbolic, with -inf in masks.

    As it is and, if optimized, as onnxruntime optimizes it, which fuses what computes in floating point.
    """
    conversion = converter.convert(original)
    feeds = [feed(original, size) for size in sizes]
    check.assert_equivalent(original, conversion.model, feeds if optimized else [])
    sessions = [_unoptimized(model) for model in (conversion.model, original)]
    for values in feeds:
        assert_same_bits(*(outputs(session, values) for session in sessions))
    return conversion.model, conversion.report


def feed(model: onnx.ModelProto, size: int) -> dict[str, Array]:
    """Normal numbers; masks hide some keys, and all keys of the first query. Sequences, s, are longer."""
    rng = np.random.default_rng(size)
    values: dict[str, Array] = {}
    for value in model.graph.input:
        axes = value.type.tensor_type.shape.dim
        shape = [axis.dim_value or size + 6 * (axis.dim_param == "s") for axis in axes]
        array = rng.standard_normal(shape).astype(np.float32)
        if value.name.startswith("mask"):
            array[...] = np.where(rng.random(shape) < 0.3, -np.inf, array)
            array[..., 0, :] = -np.inf
        values[value.name] = array
    return values


def _unoptimized(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = session_options(model)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return open_session(model, options=options)
