"""Weights, scales and zero points that are inputs of the model: a reason that says what to do."""

from collections.abc import Callable

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

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
