"""Operators on constants alone become constants, as onnxruntime computes them."""

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter
from qudnn.converter.context import Journal, Preparation
from qudnn.converter.passes.prepare.fold_constants import FoldConstants

MakeWeights = Callable[[Graph], str]


def _clipped(graph: Graph) -> str:
    bounds = graph.number(-127, "int8"), graph.number(127, "int8")
    w = graph.node("Clip", [graph.random("int8", (16, 8, 3, 3)), *bounds], "clipped")
    return graph.dequantize(w, "w", graph.number(0.01), graph.number(0, "int8"))


def _quantized(graph: Graph, floats: str) -> str:
    return graph.pair(floats, "w", graph.number(0.02), graph.number(0, "int8"))


def _transposed(graph: Graph) -> str:
    floats = graph.random("float32", (3, 3, 8, 16))
    return _quantized(graph, graph.node("Transpose", [floats], "moved", perm=[3, 2, 0, 1]))


def _cast(graph: Graph) -> str:
    half = graph.constant("half", graph.values("float32", (16, 8, 3, 3)), "float16")
    return _quantized(graph, graph.node("Cast", [half], "single", to=onnx.TensorProto.FLOAT))


def _normalized(graph: Graph) -> str:
    """A convolution's filters with a BatchNormalization of the layer after it, put between them and Q."""
    floats = graph.random("float32", (8, 16, 3, 3))
    numbers = [graph.constant(f"bn{i}", graph.rng.uniform(0.5, 1, 16), "float32") for i in range(4)]
    normalized = graph.node("BatchNormalization", [floats, *numbers], "bn")
    clipped = graph.node("Clip", [normalized, graph.number(-2.0), graph.number(2.0)], "clip")
    return _quantized(graph, graph.node("Transpose", [clipped], "moved", perm=[1, 0, 2, 3]))


def _reshaped(graph: Graph) -> str:
    scale = graph.constant("each", graph.rng.uniform(0.1, 1, (16, 1)), "float32")
    scaled = graph.node("Mul", [graph.random("float32", (16, 72)), scale], "scaled")
    shape = graph.constant("shape", [16, 8, 3, 3], "int64")
    return _quantized(graph, graph.node("Reshape", [scaled, shape], "reshaped"))


def _clipped_once_quantized(graph: Graph) -> str:
    parameters = graph.number(0.02), graph.number(0, "int8")
    q = graph.quantize(graph.random("float32", (16, 8, 3, 3)), "q", *parameters)
    clipped = graph.node("Clip", [q, graph.number(-100, "int8"), graph.number(100, "int8")], "clipped")
    return graph.dequantize(clipped, "w", *parameters)


@pytest.mark.parametrize(
    "weights", [_clipped, _transposed, _cast, _normalized, _reshaped, _clipped_once_quantized]
)
def test_weights_made_in_the_graph(weights: MakeWeights) -> None:
    graph = Graph()
    graph.x("x", "float32", (2, 8, 6, 6), ("n", 8, 6, 6))
    x = graph.pair("x", "dx", graph.number(0.03), graph.number(131, "uint8"))
    y = graph.node("Conv", [x, weights(graph)], "y", pads=[1] * 4)
    graph.y(graph.pair(y, "z", graph.number(0.3), graph.number(120, "uint8")), rank=4)
    model = assert_same_bits(graph, {"QConv": 1})
    assert [node.op_type for node in model.graph.node] == [
        "QuantizeToIsland", "QConv", "DequantizeFromIsland"
    ]  # fmt: skip


def test_a_clipped_matrix_that_is_transposed() -> None:
    graph = Graph()
    graph.x("x", "float32", (5, 32))
    x = graph.pair("x", "dx", graph.number(0.03), graph.number(131, "uint8"))
    bounds = graph.number(-127, "int8"), graph.number(127, "int8")
    w = graph.node("Clip", [graph.random("int8", (16, 32)), *bounds], "clipped")
    scales = graph.constant("scales", graph.rng.uniform(0.01, 0.02, 16), "float32")
    w = graph.dequantize(w, "w", scales, graph.number(0, "int8", [16]), axis=0)
    y = graph.node("MatMul", [x, graph.node("Transpose", [w], "wt", perm=[1, 0])], "y")
    graph.y(graph.pair(y, "z", graph.number(0.3), graph.number(120, "uint8")))
    model = assert_same_bits(graph, {"QMatMul": 1})
    assert len(model.graph.node) == 3


def _after(graph: Graph) -> ir.Model:
    model = ir.from_proto(graph.model(17))
    context = Preparation.from_journal(Journal.of(model), model)
    FoldConstants(context)(model)
    return model


def test_a_model_does_not_grow() -> None:
    """8 bits become no floats, two vectors no matrix, and doubling does not go on."""
    graph = Graph()
    graph.x("x", "float32", (4, 4))
    cast = graph.node("Cast", [graph.random("int8", (64, 64))], "cast", to=onnx.TensorProto.FLOAT)
    outer = graph.node(
        "Add", [graph.random("float32", (2048, 1)), graph.random("float32", (1, 2048))], "outer"
    )
    wide = graph.random("float32", (8, 8))
    for step in range(40):
        wide = graph.node("Concat", [wide, wide], f"wide{step}", axis=0)
    y = "x"
    for kept in cast, outer, wide:
        y = graph.node("Sum", [y, kept], f"sum_{kept}")
    graph.y(y)
    left = [node.op_type for node in _after(graph).graph]
    assert left == ["Cast", "Add", *["Concat"] * 40, *["Sum"] * 3]


def test_what_onnxruntime_does_not_run_stays() -> None:
    graph = Graph()
    graph.x("x", "float32", (4, 4))
    bad = graph.node("Reshape", [graph.random("float32", (4,)), graph.constant("s", [3], "int64")], "bad")
    graph.y(graph.node("Add", ["x", graph.node("Neg", [bad], "neg")], "y"))
    assert [node.op_type for node in _after(graph).graph] == ["Reshape", "Neg", "Add"]


def test_results_are_those_of_onnxruntime() -> None:
    """Mul and Sqrt of what a model multiplies by, in the arithmetic of the CPU provider."""
    graph = Graph()
    graph.x("x", "float32", (4, 32))
    root = graph.node("Sqrt", [graph.constant("v", graph.rng.uniform(0, 9, 32), "float32")], "root")
    graph.y(graph.node("Mul", ["x", graph.node("Mul", [root, graph.random("float32", (32,))], "f")], "y"))
    model = _after(graph)
    (multiply,) = model.graph
    value = multiply.inputs[1]
    assert value is not None and value.const_value is not None
    v, w = (onnx.numpy_helper.to_array(tensor) for tensor in graph.constants[:2])
    np.testing.assert_array_equal(value.const_value.numpy(), np.sqrt(v) * w)


def test_a_float_model_stays() -> None:
    graph = Graph()
    graph.x("x", "float32", (4, 32))
    w = graph.node("Transpose", [graph.random("float32", (16, 32))], "wt", perm=[1, 0])
    graph.y(graph.node("MatMul", ["x", w], "y"))
    model = graph.model(17)
    assert converter.convert(model).model == model
