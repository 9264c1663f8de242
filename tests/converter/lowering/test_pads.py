"""Pad on 8 bits: its modes, axes and fills, before convolutions that pad by themselves too."""

import numpy as np
import pytest
from operators import DTYPES, Operators, assert_inside, assert_left
from qdq_networks import SCALE, QdqNetwork, assert_converts

from qudnn import converter
from session import open_session, outputs

FILLS = {"uint8": 131, "int8": -7}
AROUND = [0, 0, 1, 2, 0, 0, 3, 0]


def pad(net: Operators, x: str, y: str, pads: list[int], fill: bool = True, mode: str = "constant") -> str:
    inputs = [x, net.constant(f"{y}_pads", pads, "int64")]
    if fill:
        inputs.append(net.constant(f"{y}_fill", FILLS[net.dtype], net.dtype))
    return net.node("Pad", inputs, y, mode=mode)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fill", [True, False])
def test_of_images(fill: bool, dtype: str) -> None:
    """A second convolution that pads has to keep what is around the images already."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    x = pad(net, x, "p", AROUND, fill)
    net.conv(x, net.result("y", 4), 20, 8, 3, pads=[1, 1, 0, 1])
    net.conv(x, net.result("z", 4), 20, 8)
    images = [{"x": net.random(2, 3, *size)} for size in ((6, 9), (1, 1))]
    assert_inside(net, {"QConv": 3, "QMaxPool": 1}, *images)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rank", [3, 4])
def test_of_channels_last(rank: int, dtype: str) -> None:
    """As windows of attention are filled up."""
    net = Operators(dtype)
    rest = [9, 5][: rank - 2]
    x = net.matmul(net.eight_bit("x", ["n", *rest, 20]), "a", 20, 20)
    pads = [0, 2, 1, 0, 0, 4, 3, 0] if rank == 4 else [0, 2, 0, 0, 3, 0]
    net.matmul(pad(net, x, "p", pads), net.result("y", rank), 20, 7)
    ops = {"QMatMul": 2, "QMaxPool": 1}
    if rank == 3:
        ops |= {"Unsqueeze": 1, "Squeeze": 1}
    assert_inside(net, ops, *({"x": net.random(n, *rest, 20)} for n in (2, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_modes(mode: str, dtype: str) -> None:
    """onnxruntime has no kernel for int8 in all of them: NumPy tells what it would give."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 5, 6]), net.result("c", 4), 3, 20)
    x = pad(net, x, "p", AROUND, fill=False, mode=mode)
    net.node("MaxPool", [x], net.result("y", 4), kernel_shape=[1, 1])
    conversion = converter.convert(net.model(19))
    assert not conversion.report.left and conversion.report.islands == 1
    assert conversion.report.converted["Gather"] == 2
    got = outputs(open_session(conversion.model), {"x": net.random(2, 3, 5, 6)})
    widths = [(0, 0), (0, 0), (1, 3), (2, 0)]
    assert (got["y"] == np.pad(got["c"], widths, mode=mode)).all()  # type: ignore[call-overload]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("pads", "pools"),
    [
        ([0, 0, 1, 2, 0, 0, 0, 3, 0, 1], 2),
        ([0, 0, 1, 0, 0, 0, 0, 2, 0, 0], 1),
        ([0, 0, 0, 1, 0, 0, 0, 0, 0, 2], 1),
    ],
)
def test_of_volumes(pads: list[int], pools: int, dtype: str) -> None:
    """In their images, and across them."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 4, 5, 6]), "c", 3, 20, [1, 1, 1])
    net.conv(pad(net, x, "p", pads), net.result("y", 5), 20, 8, [1, 1, 1])
    ops = {"QConv3D": 2, "QMaxPool": pools, "Reshape": pools + 1}
    assert_inside(net, ops, *({"x": net.random(n, 3, 4, 5, 6)} for n in (2, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("pads", "pools"), [([0, 0, -1, 2, 0, 0, 3, -4], 1), ([0, -3, -1, 0, 0, 0, -2, -1], 0)]
)
def test_of_fewer_elements(pads: list[int], pools: int, dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 9]), "c", 3, 20)
    channels = 20 + pads[1]
    net.conv(pad(net, x, "p", pads), net.result("y", 4), channels, 8)
    ops = {"QConv": 2, "Slice": 1, **({"QMaxPool": pools} if pools else {})}
    assert_inside(net, ops, *({"x": net.random(n, 3, 6, 9)} for n in (2, 1)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("scale", "zero_point"), [(SCALE, 119), (0.0893, 131)])
@pytest.mark.parametrize("number", [1.5, -7.5, -3e38, np.inf])
def test_with_a_number(number: float, scale: float, zero_point: int, dtype: str) -> None:
    """Between DequantizeLinear and QuantizeLinear; beyond what 8 bits stand for, it is the nearest."""
    net = QdqNetwork(dtype)
    inputs = [net.x(), net.constant("pads", AROUND, "int64"), net.constant("number", number, "float32")]
    net.y(net.node("Pad", inputs, "p"), scale, zero_point)
    assert_converts(net.model(), {"QMaxPool": 1, **({} if scale == SCALE else {"QTable": 1})})


@pytest.mark.parametrize("pads", [[0, 1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]])
def test_others_stay(pads: list[int]) -> None:
    """Channels, images."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 9]), "c", 3, 20)
    pad(net, x, net.result("y", 4), pads)
    assert_left(net, "Pad", "it ", {"x": net.random(2, 3, 6, 9)})


def test_named_axes() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 9]), "c", 3, 20)
    amounts, axes = net.constant("pads", [2, 0, 1, 3], "int64"), net.constant("axes", [-1, 2], "int64")
    net.node("Pad", [x, amounts, net.constant("fill", 9, "uint8"), axes], net.result("y", 4))
    assert_inside(net, {"QConv": 1, "QMaxPool": 1}, {"x": net.random(2, 3, 6, 9)}, opset=18)
