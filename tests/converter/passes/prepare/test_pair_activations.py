"""Pools of a Relu of a dequantized tensor, and means that are multiplied by a number."""

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

NUMBERS = {"uint8": 121, "int8": -7}


class Pools(Graph):
    """An image between two convolutions, so that there is an island."""

    def __init__(self, dtype: str, scale: float = 0.03) -> None:
        super().__init__()
        self.dtype = dtype
        self.x("x", "float32", (2, 16, 6, 6), ("n", 16, 6, 6))
        self.image = self.own(self.conv(self.own("x", "dx", 0.04), "a"), "da", scale)

    def own(self, x: str, y: str, scale: float) -> str:
        return self.pair(x, y, self.number(scale), self.number(NUMBERS[self.dtype], self.dtype))

    def conv(self, x: str, y: str) -> str:
        w = self.constant(f"{y}_w", self.values("int8", (16, 16, 1, 1)) // 4, "int8")
        return self.node(
            "Conv", [x, self.dequantize(w, f"{y}_dw", self.number(0.01), self.number(0, "int8"))], y
        )

    def end(self, x: str, scale: float) -> None:
        self.y(self.own(self.conv(self.own(x, "dp", scale), "b"), "z", 0.05), rank=4)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("scale", [0.03, 0.021])
def test_the_maximum(scale: float, dtype: str) -> None:
    """In the scale of its input, and in another."""
    graph = Pools(dtype)
    relu = graph.node("Relu", [graph.image], "relu")
    graph.end(graph.node("MaxPool", [relu], "pool", kernel_shape=[2, 2], pads=[1, 0, 0, 1]), scale)
    model = assert_same_bits(graph, {"QConvTable": 1, "QConv": 1, "QMaxPool": 1})
    assert [node.op_type for node in model.graph.node if not node.domain] == []


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "AveragePool", "ReduceMean"])
def test_the_mean(op_type: str, dtype: str) -> None:
    """onnxruntime computes it in float32, since nothing quantizes what it reads."""
    graph = Pools(dtype)
    relu = graph.node("Relu", [graph.image], "relu")
    if op_type == "AveragePool":
        mean = graph.node(op_type, [relu], "mean", kernel_shape=[2, 3], strides=[2, 2])
    elif op_type == "ReduceMean":
        mean = graph.node(op_type, [relu, graph.constant("axes", [2, 3], "int64")], "mean")
    else:
        mean = graph.node(op_type, [relu], "mean")
    graph.end(mean, 0.0121)
    op = "QAveragePool" if op_type == "AveragePool" else "QGlobalAveragePool"
    model = assert_same_bits(graph, {"QConvTable": 1, "QConv": 1, op: 1}, opset=18, quantum=0.05)
    assert [node.op_type for node in model.graph.node if not node.domain] == []


def test_a_pool_that_stays_reads_float32() -> None:
    """Its window has holes; nothing about it may become an integer operator of onnxruntime's."""
    graph = Pools("uint8")
    relu = graph.node("Relu", [graph.image], "relu")
    mean = graph.node("AveragePool", [relu], "mean", kernel_shape=[2, 2], dilations=[2, 2])
    graph.end(mean, 0.0121)
    left = {"AveragePool": "its dilations are not 1"}
    assert_same_bits(graph, {"QConvTable": 1, "QConv": 1, "QAveragePool": 0}, left, opset=19)


def test_a_relu_that_others_read_stays() -> None:
    graph = Pools("uint8")
    relu = graph.node("Relu", [graph.image], "relu")
    graph.end(graph.node("MaxPool", [relu], "pool", kernel_shape=[2, 2]), 0.03)
    graph.y(graph.node("Neg", [relu], "neg"), rank=4)
    assert_same_bits(graph, {"QConv": 2, "QMaxPool": 0})


@pytest.mark.parametrize("factor", [1.0, 36 / 32, 0.5])
def test_a_mean_that_is_multiplied_by_a_number(factor: float) -> None:
    graph = Pools("uint8")
    mean = graph.node("GlobalAveragePool", [graph.image], "mean")
    graph.end(graph.node("Mul", [mean, graph.number(factor)], "scaled"), 0.0121)
    assert_same_bits(graph, {"QConv": 2, "QGlobalAveragePool": 1}, quantum=0.05)


@pytest.mark.parametrize("factor", [-1.0, 0.0, np.inf])
def test_other_numbers_stay(factor: float) -> None:
    graph = Pools("uint8")
    mean = graph.node("GlobalAveragePool", [graph.image], "mean")
    scaled = graph.node("Clip", [graph.node("Mul", [mean, graph.number(factor)], "scaled")], "clipped")
    graph.end(scaled, 0.0121)
    assert_same_bits(graph, {"QConv": 2, "QGlobalAveragePool": 0})
