"""Inputs of depthwise convolutions that are quantized per channel."""

from collections.abc import Sequence

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

C = 16


class PerChannel(Graph):
    """x -> a pair with a scale for each channel -> Conv -> a pair."""

    def parameters(self, zero_points: Sequence[int] | int, dtype: str) -> list[str]:  # type: ignore[override]
        scales = self.constant(f"scales{len(self.constants)}", self.rng.uniform(0.01, 0.05, C), "float32")
        return [scales, self.constant(f"zero{len(self.constants)}", np.broadcast_to(zero_points, C), dtype)]

    def paired(self, x: str, zero_points: Sequence[int] | int, dtype: str, y: str = "d") -> str:
        parameters = self.parameters(zero_points, dtype)
        q = self.node("QuantizeLinear", [x, *parameters], f"{y}_q", axis=1)
        return self.node("DequantizeLinear", [q, *parameters], y, axis=1)

    def conv(self, x: str, shape: Sequence[int], group: int, per_channel: bool = True) -> str:
        w = self.random("int8", shape)
        count = [shape[0]] if per_channel else []
        scales = self.constant("w_scales", self.rng.uniform(0.005, 0.01, count), "float32")
        zero = self.constant("w_zero", np.zeros(count), "int8")
        inputs = [x, self.node("DequantizeLinear", [w, scales, zero], "w", axis=0)]
        # Without a bias onnxruntime makes a QLinearConv of uint8 tensors, which fails when it runs.
        inputs.append(self.constant("bias", self.rng.normal(0, 1, shape[0]), "float32"))
        return self.node("Conv", inputs, "y", group=group, pads=[1] * (2 * len(shape) - 4))

    def end(self, y: str, rank: int = 4) -> None:
        self.y(self.pair(y, "z", self.number(0.1), self.number(120, "uint8")), rank=rank)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("dtype", "zero_point"), [("uint8", 0), ("uint8", 131), ("int8", 0)])
def test_depthwise(dtype: str, zero_point: int, times: int, per_channel: bool) -> None:
    graph = PerChannel()
    graph.x("x", "float32", (2, C, 7, 6), ("n", C, 7, 6))
    d = graph.paired("x", zero_point, dtype)
    graph.end(graph.conv(d, (times * C, 1, 3, 3), C, per_channel))
    model = assert_same_bits(graph, {"QConv": 1}, quantum=0.1)
    assert [node.op_type for node in model.graph.node] == [
        "Div", "QuantizeToIsland", "QConv", "DequantizeFromIsland"
    ]  # fmt: skip


@pytest.mark.parametrize("activation", ["Relu", "Clip"])  # without one, onnxruntime fails when it runs
@pytest.mark.parametrize("zero_point", [0, 100])
def test_between_two_convolutions(zero_point: int, activation: str) -> None:
    """The first one writes each channel in a scale of its own."""
    graph = PerChannel()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    x = graph.pair("x", "dx", graph.number(0.03), graph.number(131, "uint8"))
    w = graph.dequantize(
        graph.random("int8", (C, 8, 1, 1)), "first_w", graph.number(0.002), graph.number(0, "int8")
    )
    y = graph.node("Conv", [x, w, graph.random("float32", (C,))], "first")
    if activation == "Relu":
        y = graph.node("Relu", [y], "act")
    else:
        y = graph.node("Clip", [y, graph.number(0.0), graph.number(0.05 * 255)], "act")
    graph.end(graph.conv(graph.paired(y, zero_point, "uint8"), (C, 1, 3, 3), C))
    model = assert_same_bits(graph, {"QConv": 2}, quantum=0.1)
    assert len(model.graph.node) == 4


def test_a_clip_that_clips_one_channel_is_no_part_of_a_convolution() -> None:
    graph = PerChannel()
    graph.x("x", "float32", (2, 8, 7, 6), ("n", 8, 7, 6))
    x = graph.pair("x", "dx", graph.number(0.03), graph.number(131, "uint8"))
    w = graph.dequantize(
        graph.random("int8", (C, 8, 1, 1)), "first_w", graph.number(0.002), graph.number(0, "int8")
    )
    y = graph.node("Conv", [x, w, graph.random("float32", (C,))], "first")
    y = graph.node("Clip", [y, graph.number(0.0), graph.number(3.0)], "act")
    graph.end(graph.conv(graph.paired(y, 0, "uint8"), (C, 1, 3, 3), C))
    model = assert_same_bits(graph, {"QConvToFloat": 1, "QConv": 1}, quantum=0.1)
    assert any(node.op_type == "Clip" for node in model.graph.node)


def test_a_row() -> None:
    graph = PerChannel()
    graph.x("x", "float32", (2, C, 17), ("n", C, "w"))
    graph.end(graph.conv(graph.paired("x", 100, "uint8"), (C, 1, 3), C), rank=3)
    assert_same_bits(graph, {"QConv": 1}, quantum=0.1)


def test_other_convolutions_stay() -> None:
    graph = PerChannel()
    graph.x("x", "float32", (2, C, 7, 6), ("n", C, 7, 6))
    graph.end(graph.conv(graph.paired("x", 100, "uint8"), (8, C, 3, 3), 1))
    assert_same_bits(graph, {"QConv": 0}, {"Conv": "its input is not quantized per tensor"})


def test_zero_points_that_differ_stay() -> None:
    graph = PerChannel()
    graph.x("x", "float32", (2, C, 7, 6), ("n", C, 7, 6))
    graph.end(graph.conv(graph.paired("x", range(C), "uint8"), (C, 1, 3, 3), C))
    assert_same_bits(graph, {"QConv": 0}, {"Conv": "its input is not quantized per tensor"})


def test_what_is_left_keeps_its_bits() -> None:
    """The convolution has weights that are none to convert; the pair was divided and multiplied in vain."""
    graph = PerChannel()
    graph.x("x", "float32", (2, C, 7, 6), ("n", C, 7, 6))
    graph.x("w_8", "int8", (C, 1, 3, 3))
    w = graph.dequantize("w_8", "w", graph.number(0.01), graph.number(0, "int8"))
    bias = graph.random("float32", (C,))
    y = graph.node("Conv", [graph.paired("x", 7, "uint8"), w, bias], "y", group=C)
    graph.end(y)
    assert_same_bits(graph, {"QConv": 0}, {"Conv": "constant"})
