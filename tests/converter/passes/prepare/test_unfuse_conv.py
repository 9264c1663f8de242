"""Convolutions that onnxruntime fused with their activation in float32, in a file that it saved."""

from typing import Any

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter
from session import open_session


@pytest.mark.parametrize(
    ("activation", "parameters"),
    [("Relu", []), ("Sigmoid", []), ("LeakyRelu", [0.1]), ("Clip", [0.0, 6.0]), ("Tanh", [])],
)
def test_fused_conv(activation: str, parameters: list[float]) -> None:
    """A quantized convolution that onnxruntime left in float32: integers, the report says so."""
    g = Graph(7)
    x = g.pair(g.x("x", "float32", (2, 8, 7, 7)), "xd", g.number(0.05), g.number(0, "int8"))
    w = g.dequantize(g.random("int8", (8, 8, 3, 3)), "wd", g.number(0.01), g.number(0, "int8"))
    given: dict[str, Any] = {"activation_params": parameters} if parameters else {}
    conv = g.node("FusedConv", [x, w], "conv", "com.microsoft", activation=activation, **given)
    g.y(g.pair(conv, "y", g.number(0.1), g.number(0, "int8")), rank=4)
    model = g.model(17)
    conversion = converter.convert(model)
    found = conversion.report.converted
    op = "QConv" if activation in ("Relu", "Clip") else "QConvToFloat"
    assert found[op] == 1, str(conversion.report)
    assert not any(node.quantized for node in conversion.report.left), str(conversion.report)
    sessions = [open_session(m) for m in (model, conversion.model)]
    want, got = (session.run(None, g.feeds)[0] for session in sessions)
    assert np.abs(want - got).max() <= 0.1001
    assert conversion.report.approximate


def test_with_a_residual() -> None:
    g = Graph(8)
    x = g.pair(g.x("x", "float32", (2, 8, 7, 7)), "xd", g.number(0.05), g.number(0, "int8"))
    w = g.dequantize(g.random("int8", (8, 8, 1, 1)), "wd", g.number(0.01), g.number(0, "int8"))
    b = g.dequantize(g.random("int32", (8,)), "bd", g.number(0.0005), g.number(0, "int32"))
    r = g.pair(g.x("r", "float32", (2, 8, 7, 7)), "rd", g.number(0.05), g.number(0, "int8"))
    conv = g.node("FusedConv", [x, w, b, r], "conv", "com.microsoft", activation="Relu")
    g.y(g.pair(conv, "y", g.number(0.1), g.number(0, "int8")), rank=4)
    assert_same_bits(g, {"QConvFloatAdd": 1}, quantum=0.1)


def test_of_a_float_tensor() -> None:
    g = Graph(9)
    x = g.x("x", "float32", (2, 8, 7, 7))
    w = g.dequantize(g.random("int8", (8, 8, 1, 1)), "wd", g.number(0.01), g.number(0, "int8"))
    g.y(g.node("FusedConv", [x, w], "y", "com.microsoft", activation="Relu"), rank=4)
    model = assert_same_bits(g, {})
    assert "FusedConv" in {node.op_type for node in model.graph.node}
