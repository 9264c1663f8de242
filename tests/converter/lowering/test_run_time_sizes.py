"""Ops whose bounds, amounts and targets follow from sizes of inputs, known only at run time."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from operators import DTYPES, Operators, assert_inside, assert_left
from qdq_networks import RESULT_SCALE, QdqNetwork, normal

import check
from cases.builder import GraphBuilder
from qudnn import converter
from qudnn.converter.functions import DOMAIN

WINDOW = 4
IMAGES = [(2, 8, 12), (1, 9, 7), (3, 4, 5), (1, 1, 1)]


class Arithmetic:
    """Integers of a network's model, each int64 `[1]`, or a number."""

    def __init__(self, net: GraphBuilder) -> None:
        self.net, self.count = net, 0

    def named(self) -> str:
        self.count += 1
        return f"integer_{self.count}"

    def vector(self, *numbers: str | int) -> str:
        parts = [
            part if isinstance(part, str) else self.net.constant(self.named(), [part], "int64")
            for part in numbers
        ]
        return parts[0] if len(parts) == 1 else self.net.node("Concat", parts, self.named(), axis=0)

    def size(self, x: str, axis: int) -> str:
        shape = self.net.node("Shape", [x], self.named())
        return self.net.node("Gather", [shape, self.vector(axis)], self.named())

    def of(self, op_type: str, a: str | int, b: str | int) -> str:
        return self.net.node(op_type, [self.vector(a), self.vector(b)], self.named())

    def missing(self, size: str) -> str:
        """(4 - size % 4) % 4, as PyTorch exports it."""
        return self.of("Mod", self.of("Sub", WINDOW, self.of("Mod", size, WINDOW)), WINDOW)

    def part(self, x: str, axis: int, start: str | int, end: str | int, step: int = 1) -> str:
        bounds = [self.vector(number) for number in (start, end, axis, step)]
        return self.net.node("Slice", [x, *bounds], self.named())

    def rolled(self, x: str, axis: int, by: int) -> str:
        parts = [self.part(x, axis, by, 2**63 - 1), self.part(x, axis, 0, by)]
        return self.net.node("Concat", parts, self.named(), axis=axis)

    def reshaped(self, x: str, *target: str | int) -> str:
        return self.net.node("Reshape", [x, self.vector(*target)], self.named())

    def transposed(self, x: str, *perm: int) -> str:
        return self.net.node("Transpose", [x], self.named(), perm=perm)


def windows(net: Operators, x: str, y: str, fill: int) -> str:
    """A matmul of each window of 4 by 4 pixels of x, `[n, h, w, 20]`, filled up and rolled, and back."""
    of = Arithmetic(net)
    n, h, w = (of.size(x, axis) for axis in range(3))
    pads = of.vector(0, 0, 0, 0, 0, of.missing(h), of.missing(w), 0)
    number = net.constant("fill", fill, net.dtype)
    x = of.rolled(net.node("Pad", [x, pads, number], "padded"), 1, 2)
    height, width = (of.size("padded", axis) for axis in (1, 2))
    rows, columns = (of.of("Div", size, WINDOW) for size in (height, width))
    x = of.transposed(of.reshaped(x, n, rows, WINDOW, columns, WINDOW, 20), 0, 1, 3, 2, 4, 5)
    x = of.reshaped(x, of.of("Mul", n, of.of("Mul", rows, columns)), WINDOW * WINDOW, 20)
    x = net.matmul(x, f"{y}_m", 20, 20)
    x = of.transposed(of.reshaped(x, n, rows, columns, WINDOW, WINDOW, 20), 0, 1, 3, 2, 4, 5)
    x = of.rolled(of.reshaped(x, n, height, width, 20), 1, -2)
    return of.part(of.part(x, 1, 0, h), 2, 0, w)


def fills(model: onnx.ModelProto) -> int:
    return sum(node.op_type == "Expand" for node in model.graph.node)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fill", [7, 0])
def test_windows_of_attention(fill: int, dtype: str) -> None:
    """Filled up, cut into windows, put together again, cut to the image, added to it: in one island."""
    net = Operators(dtype)
    x = net.matmul(net.eight_bit("x", ["n", "h", "w", 12]), "a", 12, 20)
    inputs = [x, *net.quantization("x_for_sum"), windows(net, x, "b", fill), *net.quantization("b_for_sum")]
    net.contrib("QLinearAdd", [*inputs, *net.quantization("y")], net.result("y", 4))
    model = net.model(17)
    conversion = converter.convert(model)
    report = conversion.report
    assert not report.left and (report.islands, report.entries, report.exits) == (1, 1, 1), str(report)
    assert report.converted["QMatMul"] == 2 and report.converted["QAdd"] == 1
    assert report.converted["Slice"] == 6 and fills(conversion.model) == 2
    feeds = [{"x": net.random(*image, 12)} for image in IMAGES]
    check.assert_equivalent(model, conversion.model, feeds)
    shapes = [node.input[0] for node in conversion.model.graph.node if node.op_type == "Shape"]
    assert shapes == ["x"]  # of 9 in the model


@pytest.mark.parametrize("dtype", DTYPES)
def test_pads_before_and_after(dtype: str) -> None:
    net = Operators(dtype)
    of = Arithmetic(net)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    half = of.of("Div", of.size("x", 2), 2)
    pads = of.vector(0, 0, half, 1, 0, 0, of.of("Mod", of.size("x", 3), 2), half)
    x = net.node("Pad", [x, pads], "p")
    net.conv(x, net.result("y", 4), 20, 8, 3)
    feeds = [{"x": net.random(*shape)} for shape in ((2, 3, 6, 7), (1, 3, 3, 4), (1, 3, 5, 2))]
    assert_inside(net, {"QConv": 2, "Concat": 2}, *feeds, opset=17)
    assert fills(converter.convert(net.model(17)).model) == 4


@pytest.mark.parametrize(
    ("amount", "mode", "reason"),
    [
        (
            "less",
            "constant",
            "how much it pads is known only at run time, and whether it takes elements away",
        ),
        ("half", "reflect", "how much it pads in mode reflect is known only at run time"),
        ("nonzero", "constant", "which does not follow from the sizes of the model's inputs"),
    ],
)
def test_pads_that_stay(amount: str, mode: str, reason: str) -> None:
    net = Operators("uint8")
    of = Arithmetic(net)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    if amount == "nonzero":
        places = net.node("NonZero", [net.node("Cast", [x], "cast", to=onnx.TensorProto.BOOL)], "places")
        more = of.of("Mod", of.size(places, 1), 3)
    else:
        more = of.of("Sub" if amount == "less" else "Div", of.size("x", 2), 3)
    x = net.node("Pad", [x, of.vector(0, 0, 0, 0, 0, 0, more, 0)], "p", mode=mode)
    net.conv(x, net.result("y", 4), 20, 8)
    assert_left(net, "Pad", reason, {"x": net.random(1, 3, 5, 6)}, opset=17)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("start", "step"), [(0, 2), (1, 2), (1, 1), (-3, 1)])
def test_parts_up_to_an_unknown_place(start: int, step: int, dtype: str) -> None:
    net = Operators(dtype)
    of = Arithmetic(net)
    x = net.matmul(net.eight_bit("x", ["n", "s", 12]), "a", 12, 20)
    end = of.of("Add", of.of("Div", of.size("x", 1), 2), 2)
    net.matmul(of.part(x, 1, start, end, step), net.result("y", 3), 20, 7)
    feeds = [{"x": net.random(2, s, 12)} for s in (9, 4, 3)]
    assert_inside(net, {"QMatMul": 2, "Slice": 1}, *feeds, opset=17)


def test_channels_up_to_an_unknown_place() -> None:
    net = Operators("uint8")
    of = Arithmetic(net)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    x = of.part(x, 1, 0, of.of("Add", of.size("x", 2), 15))
    net.node("MaxPool", [x], net.result("y", 4), kernel_shape=[1, 1])
    assert_left(
        net,
        "Slice",
        "how many channels it takes is known only at run time",
        {"x": net.random(1, 3, 5, 6)},
        17,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_reshape_of_a_size_that_no_input_has(dtype: str) -> None:
    """Two sizes are unknown, and one of them depends on the image's numbers: the other one is computed."""
    net = Operators(dtype)
    of = Arithmetic(net)
    x = net.matmul(net.eight_bit("x", ["n", "h", "w", 12]), "a", 12, 20)
    n, h, w = (of.size("x", axis) for axis in range(3))
    x = of.transposed(of.reshaped(x, of.of("Mul", n, h), w, 20), 1, 0, 2)
    x = of.reshaped(x, w, n, h, 20)
    net.matmul(x, net.result("y", 4), 20, 7)
    feeds = [{"x": net.random(*image, 12)} for image in IMAGES]
    assert_inside(net, {"QMatMul": 2, "Reshape": 2, "Transpose": 1}, *feeds, opset=17)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scales", [(0.03, 0.04), (0.03, 0.03)])
def test_a_normalization_that_is_filled_up(scales: Sequence[float], dtype: str) -> None:
    """The quantizer leaves the Pad in floating point, and quantizes the parts that a window is rolled of."""
    net = QdqNetwork(dtype)
    of = Arithmetic(net)
    x = net.x(("n", "h", "w", 12))
    x = net.pair(net.node("MatMul", [x, net.weights("m_w", (12, 20))], "m"), "m_q", RESULT_SCALE, 131)
    numbers = [net.constant(name, net.rng.normal(0, 1, 20), "float32") for name in ("scale", "bias")]
    x = net.node("LayerNormalization", [x, *numbers], "ln", axis=-1)
    pads = of.vector(0, 0, 0, 0, 0, of.missing(of.size(x, 1)), of.missing(of.size(x, 2)), 0)
    x = net.node("Pad", [x, pads], "padded")
    height = of.size(x, 1)
    ends = [(2, 2**63 - 1), (0, 2)]
    parts = [
        net.pair(of.part(x, 1, *bounds), f"part_{scale}_{bounds[0]}", scale, 125)
        for bounds, scale in zip(ends, scales, strict=True)
    ]
    x = net.pair(net.node("Concat", parts, "rolled", axis=1), "rolled_q", 0.04, 122)
    rows = of.of("Div", height, WINDOW)
    x = of.reshaped(x, of.size("x", 0), rows, WINDOW, of.size("padded", 2), 20)
    net.y(x, 0.04, 122, rank=5)
    model = net.model()
    conversion = converter.convert(model)
    report = conversion.report
    assert report.left_quantized == 0 and report.islands == 1, str(report)
    found = [node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN]
    assert found.count("QLayerNormalization") == 2
    assert {node.input[0] for node in conversion.model.graph.node if node.op_type == "Shape"} == {"x"}
    check.assert_equivalent(model, conversion.model, [{"x": normal(*image, 12)} for image in IMAGES])


def test_a_shape_counts_where_onnxruntime_counts_it() -> None:
    """It keeps a convolution's result from being quantized where it is made, and the bits are those."""
    net = QdqNetwork()
    of = Arithmetic(net)
    x = net.conv(net.x())
    y = net.pair(net.node("Relu", [x], "r"), "r_q", RESULT_SCALE, 0)
    net.y(of.reshaped(y, of.size(x, 0), 6, -1), RESULT_SCALE, 0, rank=3)
    model = net.model()
    conversion = converter.convert(model)
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])
    assert np.isfinite(normal(2, 4, 9, 8)).all() and conversion.report.islands == 1


def test_a_tensor_of_which_only_the_shape_is_read() -> None:
    """Nothing computes it any more."""
    net = Operators("uint8")
    of = Arithmetic(net)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    unused = net.node("MaxPool", [x], "unused", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    x = of.reshaped(x, of.size("x", 0), 20, of.of("Mul", of.size("x", 2), of.size("x", 3)))
    x = of.part(x, 2, 0, of.size(unused, 2))
    net.node("Identity", [x], net.result("y", 3))
    feeds = [{"x": net.random(n, 3, h, w)} for n, h, w in ((2, 5, 4), (1, 1, 1))]
    assert_inside(net, {"QConv": 1, "Reshape": 1, "Slice": 1}, *feeds, opset=17)
