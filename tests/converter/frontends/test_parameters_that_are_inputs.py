"""Weights, scales and zero points that are inputs of the model: a reason that says what to do."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper
from qdq_networks import QdqNetwork, assert_converts
from same_bits import Graph, assert_same_bits

import check
from qudnn import converter

MICROSOFT = "com.microsoft"


def parameters(g: Graph, dtype: str = "uint8") -> list[str]:
    return [g.number(0.1), g.number(3, dtype)]


def conv_weight(g: Graph) -> str:
    x, w = g.x("x", "uint8", (2, 8, 7, 7)), g.x("w", "int8", (4, 8, 3, 3))
    inputs = [x, *parameters(g), w, *parameters(g, "int8"), *parameters(g)]
    g.y(g.node("QLinearConv", inputs, "y"), "uint8", 4)
    return "its weight must"


def matmul_scale(g: Graph) -> str:
    x, w, s = g.x("x", "uint8", (2, 8)), g.random("int8", (8, 4)), g.x("s", "float32", ())
    g.feeds["s"] = np.array(0.07, np.float32)
    inputs = [x, s, g.number(3, "uint8"), w, *parameters(g, "int8"), *parameters(g)]
    g.y(g.node("QLinearMatMul", inputs, "y"), "uint8")
    return "its left input scale must"


def gemm_scale(g: Graph) -> str:
    x, w, s = g.x("x", "uint8", (2, 8)), g.random("int8", (8, 4)), g.x("s", "float32", ())
    g.feeds["s"] = np.array(0.07, np.float32)
    inputs = [x, *parameters(g), w, s, g.number(0, "int8"), "", *parameters(g)]
    g.y(g.node("QGemm", inputs, "y", MICROSOFT), "uint8")
    return "its right input scale must"


def zero_point(g: Graph) -> str:
    a, b, z = g.x("a", "uint8", (2, 8)), g.x("b", "int8", (8, 4)), g.x("z", "uint8", ())
    inputs = [a, b, g.number(0.1), g.number(0.2), z]
    g.y(g.node("MatMulIntegerToFloat", inputs, "y", MICROSOFT))
    return "its left input zero point must"


def weight_of_a_dynamic_matmul(g: Graph) -> str:
    x, w = g.x("x", "float32", (2, 8)), g.x("w", "int8", (8, 4))
    g.y(g.node("DynamicQuantizeMatMul", [x, w, g.number(0.1)], "y", MICROSOFT))
    return "its right input must"


@pytest.mark.parametrize(
    "make", [conv_weight, matmul_scale, gemm_scale, zero_point, weight_of_a_dynamic_matmul]
)
def test_declined(make: Callable[[Graph], str]) -> None:
    g = Graph(1)
    reason = f"{make(g)} be constant, not an input of the model: make it an initializer"
    assert_same_bits(g, {}, {g.nodes[-1].op_type: reason})


def normalized() -> onnx.ModelProto:
    """A convolution with the BatchNormalization and the Relu behind it, quantized before and after."""
    net = QdqNetwork()
    vectors = {name: net.rng.uniform(0.5, 2, 6) for name in ("scale", "bias", "mean", "variance")}
    constants = [net.constant(f"bn_{name}", array, "float32") for name, array in vectors.items()]
    net.y(net.node("Relu", [net.node("BatchNormalization", [net.conv(net.x()), *constants], "bn")], "relu"))
    return net.model()


def with_inputs(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    """Lets the parameters of BatchNormalization be inputs, which have defaults; returns these."""
    defaults = [tensor for tensor in model.graph.initializer if tensor.name.startswith("bn_")]
    for tensor in defaults:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return defaults


def test_normalization_with_defaults() -> None:
    """As Brevitas exports it."""
    model = normalized()
    assert len(with_inputs(model)) == 4
    conversion = converter.convert(model)
    reasons = {entry.op_type: entry.reason for entry in conversion.report.left}
    assert reasons["BatchNormalization"] == (
        "its scale, bn_scale, is an input with a default, which a caller may change: "
        "let it be an initializer alone, as --constant-defaults does"
    )
    assert reasons["Relu"] == "its input comes from BatchNormalization in floating point"
    check.assert_true_report(model, conversion)
    del model.graph.input[1:]
    assert_converts(model, {"QConv": 1}, exact=False)


def test_normalization_with_inputs() -> None:
    model = normalized()
    for tensor in with_inputs(model):
        model.graph.initializer.remove(tensor)
    conversion = converter.convert(model)
    (left,) = [entry for entry in conversion.report.left if entry.op_type == "BatchNormalization"]
    assert left.reason == "its scale must be constant, not an input of the model: make it an initializer"
    check.assert_true_report(model, conversion)


def test_a_default_of_a_function() -> None:
    net = QdqNetwork()
    slope = net.constant("bn_slope", np.full((4, 1, 1), 0.3), "float32")
    net.y(net.node("PRelu", [net.x(), slope], "f"))
    model = net.model()
    with_inputs(model)
    (left,) = [entry for entry in converter.convert(model).report.left if entry.op_type == "PRelu"]
    assert left.reason.startswith("its constant, bn_slope, is an input with a default")
    del model.graph.input[1:]
    assert_converts(model, {"QTable": 1})
