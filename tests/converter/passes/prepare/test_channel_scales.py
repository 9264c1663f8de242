"""Inputs of depthwise convolutions that are quantized per channel."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter
from qudnn.converter.domain import DOMAIN
from session import open_session, outputs

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


def of_convolution() -> tuple[PerChannel, str]:
    """A graph with a convolution of C channels, and its result in float32."""
    graph = PerChannel()
    graph.x("x", "float32", (2, 8, 8, 6), ("n", 8, 8, 6))
    x = graph.pair("x", "dx", graph.number(0.03), graph.number(131, "uint8"))
    w = graph.dequantize(
        graph.random("int8", (C, 8, 1, 1)), "first_w", graph.number(0.002), graph.number(0, "int8")
    )
    return graph, graph.node("Conv", [x, w, graph.random("float32", (C,))], "first")


def silu(graph: Graph, y: str) -> str:
    return graph.node("Mul", [y, graph.node("Sigmoid", [y], "gate")], "silu")


def hard_swish(graph: Graph, y: str) -> str:
    return graph.node("HardSwish", [y], "swish")


def largest(graph: Graph, y: str) -> str:
    return graph.node("MaxPool", [graph.node("Relu", [y], "relu")], "pool", kernel_shape=[2, 2])


def mean(graph: Graph, y: str) -> str:
    return graph.node("AveragePool", [y], "pool", kernel_shape=[2, 2])


@pytest.mark.parametrize("zero_point", [0, 100])
@pytest.mark.parametrize(
    ("between", "ops"),
    [
        (silu, {"MulToIsland": 1}),
        (hard_swish, {"MulToIsland": 1}),
        (largest, {"FloatMaxPool": 1, "AddToIsland": 1}),
        (mean, {"FloatAveragePool": 1, "AddToIsland": 1}),
    ],
)
def test_between_two_convolutions_in_float(
    between: Callable[[Graph, str], str], ops: Mapping[str, int], zero_point: int
) -> None:
    """MobileNetV3 and EfficientNet as NNCF quantizes them."""
    graph, y = of_convolution()
    graph.end(graph.conv(graph.paired(between(graph, y), zero_point, "uint8"), (C, 1, 3, 3), C))
    model = assert_same_bits(graph, {"QConvToFloat": 1, "QConv": 1, **ops}, quantum=0.1)
    assert all(node.domain == DOMAIN for node in model.graph.node)
    report = converter.convert(graph.model(17)).report
    assert (report.islands, report.entries, report.exits) == (1, 1, 1), str(report)


@pytest.mark.parametrize("shape", [(2, C, 7, 6), (2, C, 1, 1)])
@pytest.mark.parametrize("gate", [False, True])
@pytest.mark.parametrize("op_type", ["Add", "Mul"])
@pytest.mark.parametrize(("zero_point", "least"), [(0, 0), (100, 100)])
def test_of_two_tensors(op_type: str, gate: bool, shape: Sequence[int], zero_point: int, least: int) -> None:
    """The sum or product has onnxruntime's bits; the convolution that reads it may differ by one quantum."""
    graph = PerChannel()
    graph.x("a", "uint8", (2, C, 7, 6), ("n", C, 7, 6))
    graph.x("b", "uint8", shape, ("n", *shape[1:]))
    a = graph.dequantize("a", "da", graph.number(0.031), graph.number(131, "uint8"))
    b = graph.dequantize("b", "db", graph.number(0.023), graph.number(120, "uint8"))
    b = graph.node("Sigmoid", [b], "gate") if gate else b
    y = graph.node("Relu", [graph.node(op_type, [a, b], "both")], "relu")
    d = graph.paired(y, zero_point, "uint8")
    graph.end(graph.conv(d, (C, 1, 3, 3), C))
    graph.output("d_q", "uint8", ["n", C, 7, 6])
    model = graph.model(17)
    conversion = converter.convert(model)
    assert conversion.report.converted == {f"QTable{op_type}": 1, "QConv": 1}, str(conversion.report)
    assert conversion.report.islands == 1 and not conversion.report.left
    got, want = (outputs(open_session(m), graph.feeds) for m in (conversion.model, model))
    assert np.array_equal(got["d_q"], want["d_q"])
    assert np.abs(got["z"] - want["z"]).max() <= 0.1001
    for channel in want["d_q"].swapaxes(0, 1):  # each quantized on its own
        assert len(np.unique(channel)) > 10 and channel.min() == least
    (op,) = (node for node in conversion.model.graph.node if node.op_type == f"QTable{op_type}")
    scales = {tensor.name: tensor for tensor in conversion.model.graph.initializer}[op.input[4]]
    assert list(scales.dims) == [C]


def test_a_divisor_along_another_axis_is_none_of_channels() -> None:
    """Of the height, which is as large as there are channels."""
    graph = PerChannel()
    graph.x("x", "float32", (2, 8, C, 6), ("n", 8, C, 6))
    x = graph.pair("x", "dx", graph.number(0.03), graph.number(131, "uint8"))
    w = graph.dequantize(
        graph.random("int8", (C, 8, 1, 1)), "first_w", graph.number(0.002), graph.number(0, "int8")
    )
    y = graph.node("Conv", [x, w, graph.random("float32", (C,))], "first")
    heights = graph.constant("heights", graph.rng.uniform(0.5, 2, (C, 1)), "float32")
    graph.end(graph.node("Div", [y, heights], "divided"))
    model = assert_same_bits(graph, {"QConvToFloat": 1, "QConv": 0}, quantum=0.1)
    assert model.graph.node


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
    assert_same_bits(graph, {"QConvToFloat": 1, "AddToIsland": 1, "QConv": 1}, quantum=0.1)


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
