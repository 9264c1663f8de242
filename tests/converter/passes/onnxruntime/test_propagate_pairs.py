"""Moves between DequantizeLinear and a matmul with quantized weights, which onnxruntime does not pass."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

C = 32


class Head(Graph):
    """A block, of which the first token is taken, and a matmul."""

    def __init__(self, dtype: str = "uint8") -> None:
        super().__init__()
        self.dtype = dtype
        x = self.own(self.x("x", "float32", (2, 5, C), ("n", 5, C)), "dx", 0.04)
        self.tokens = self.own(self.node("MatMul", [x, self.weights("a")], "block"), "tokens", 0.6)

    def own(self, x: str, y: str, scale: float) -> str:
        zero_point = {"uint8": 121, "int8": -7}[self.dtype]
        return self.pair(x, y, self.number(scale), self.number(zero_point, self.dtype))

    def weights(self, name: str) -> str:
        w = self.constant(f"{name}_w", self.values("int8", (C, C)) // 4, "int8")
        return self.dequantize(w, f"{name}_dw", self.number(0.01), self.number(0, "int8"))

    def first(self) -> str:
        return self.node("Gather", [self.tokens, self.constant("zero", 0, "int64")], "first", axis=1)

    def gemm(self, x: str, **attributes: Any) -> str:
        bias = self.constant("bias", self.values("float32", (C,)), "float32")
        w = self.constant("b_w", self.values("int8", (C, C)) // 4, "int8")
        scales = self.constant("b_scales", self.rng.uniform(0.005, 0.015, C), "float32")
        weights = self.dequantize(w, "b_dw", scales, self.number(0, "int8", [C]), axis=0)
        return self.node("Gemm", [x, weights, bias], "gemm", transB=1, **attributes)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_pooler_converts(dtype: str) -> None:
    """Its result is quantized after a Tanh; onnxruntime computes it in float32."""
    graph = Head(dtype)
    pooled = graph.own(graph.node("Tanh", [graph.gemm(graph.first())], "tanh"), "dt", 0.008)
    graph.y(graph.own(graph.node("MatMul", [pooled, graph.weights("c")], "logits"), "z", 0.02))
    model = assert_same_bits(graph, {"QMatMulToFloat": 1, "StepsToIsland": 1}, quantum=0.02)
    found = Counter(node.op_type for node in model.graph.node)
    assert not found["Gemm"] and not found["Tanh"]
    (gather,) = (node for node in model.graph.node if node.op_type == "Gather")
    (matmul,) = (node for node in model.graph.node if node.op_type == "QMatMulToFloat")
    assert gather.output[0] == matmul.input[0]  # on 8 bits


def test_a_result_in_float32_keeps_its_bits() -> None:
    graph = Head()
    graph.y(graph.gemm(graph.first()))
    model = assert_same_bits(graph, {"QMatMul": 1})
    assert Counter(node.op_type for node in model.graph.node)["Gemm"] == 1


def test_a_matmul_that_stays_is_computed_in_float32() -> None:
    """Its bias is taken half; onnxruntime must not make a QGemm of it, next to a DequantizeLinear now."""
    graph = Head()
    gemm = graph.gemm(graph.first(), beta=0.5)
    graph.y(graph.own(graph.node("Tanh", [gemm], "tanh"), "z", 0.008))
    model = assert_same_bits(graph, {"QMatMul": 1}, {"Gemm": "beta"})
    found = Counter(node.op_type for node in model.graph.node)
    assert found["Gemm"] == found["Sum"] == 1


@pytest.mark.parametrize("bias", [False, True])
def test_a_normalized_sum_is_quantized_before_a_gather(bias: bool) -> None:
    """As of the last block, of which the first token is quantized alone."""
    graph = Head()
    x = graph.own(graph.x("z", "float32", (2, 5, C), ("n", 5, C)), "dz", 0.05)
    if bias:
        x = graph.node("Add", [x, graph.constant("row", graph.values("float32", (C,)), "float32")], "biased")
    total = graph.node("Add", [x, graph.tokens], "total")
    gamma = graph.constant("gamma", np.ones(C, np.float32), "float32")
    graph.tokens = graph.node("LayerNormalization", [total, gamma], "normalized")
    first = graph.own(graph.first(), "f", 0.02)
    graph.y(graph.own(graph.node("MatMul", [first, graph.weights("b")], "m"), "y", 0.05))
    ops = {"AddLayerNormalizationToIsland": 1, "QMatMul": 2}
    model = assert_same_bits(graph, ops, quantum=0.05)
    assert [node.op_type for node in model.graph.node if not node.domain] == ["Gather"]


def test_int8_that_moves_keep_stays_int8() -> None:
    """A QGemm reads the gathered tensor as it is."""
    graph = Head("int8")
    gamma = graph.constant("gamma", np.ones(C, np.float32), "float32")
    graph.tokens = graph.node("LayerNormalization", [graph.tokens, gamma], "normalized")
    parameters = graph.number(0.02), graph.number(-8, "int8")
    first = graph.quantize(graph.first(), "first_q", *parameters)
    w = graph.constant("b_w", graph.values("int8", (C, C)), "int8")
    weights = [w, graph.number(0.01), graph.number(0, "int8")]
    y = graph.number(0.3), graph.number(5, "int8")
    graph.node("QGemm", [first, *parameters, *weights, "", *y], "g", "com.microsoft")
    graph.y(graph.dequantize("g", "y", *y))
    model = assert_same_bits(graph, {"QLayerNormalization": 1, "QMatMul": 2})
    assert [node.op_type for node in model.graph.node if not node.domain] == ["Gather"]
