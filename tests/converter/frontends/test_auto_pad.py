"""auto_pad: windows that do not cover their input, dilated ones, sizes that are known at run time only."""

from collections.abc import Sequence
from typing import Any

import pytest
from same_bits import Graph, assert_same_bits

CROPPED = "crops its input"
OPS = {
    "QLinearConv": "QConv",
    "Conv": "QConv",
    "ConvInteger": "QConvToInt32",
    "MaxPool": "QMaxPool",
    "QLinearAveragePool": "QAveragePool",
}
# of each axis: size, kernel, stride; how many pixels more than there are do the windows need?
COVERED = {"0": (7, 1, 3), "1": (9, 3, 7), "-1": (8, 1, 2)}
CROPS = {"-2": (9, 1, 3), "-3": (10, 2, 5), "-5": (12, 1, 6), "-2 at once": (5, 3, 127)}


def windows(
    op_type: str, mode: str, axes: Sequence[tuple[int, int, int]], unknown: bool = False, **attributes: Any
) -> Graph:
    """The operator over 16 channels, with a convolution before it where it is a pool."""
    g = Graph()
    size, kernel, strides = (list(numbers) for numbers in zip(*axes, strict=True))
    declared = ["n", 16, *("hwd"[: len(size)] if unknown else size)]
    s, z = g.number(0.05), g.number(120, "uint8")
    x = g.x("x", "uint8", [2, 16, *size], declared)
    sizes = {"strides": strides, "auto_pad": mode, **attributes}
    weights = [g.random("int8", [16, 16, *kernel]), g.number(0.003), g.number(0, "int8")]
    rank = len(size) + 2
    if op_type == "QLinearConv":
        g.y(g.node(op_type, [x, s, z, *weights, g.number(0.3), z], "y", **sizes), "uint8", rank)
    elif op_type == "ConvInteger":
        g.y(g.node(op_type, [x, weights[0], z, weights[2]], "y", **sizes), "int32", rank)
    elif op_type == "Conv":
        inputs = [g.dequantize(x, "xd", s, z), g.dequantize(weights[0], "wd", *weights[1:])]
        g.y(g.quantize(g.node("Conv", inputs, "c", **sizes), "y", g.number(0.3), z), "uint8", rank)
    else:
        first = [g.random("int8", [16, 16, *[1] * len(size)]), g.number(0.003), g.number(0, "int8")]
        x = g.node("QLinearConv", [x, s, z, *first, g.number(0.3), z], "c")
        sizes["kernel_shape"] = kernel
        if op_type == "MaxPool":
            g.y(g.node("MaxPool", [x], "y", **sizes), "uint8", rank)
        else:
            g.y(g.node(op_type, [x, s, z, s, z], "y", "com.microsoft", **sizes), "uint8", rank)
    return g


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("op_type", OPS)
@pytest.mark.parametrize("axis", COVERED)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_windows_that_cover_their_input(op_type: str, mode: str, axis: str, rank: int) -> None:
    if rank == 3 and op_type == "ConvInteger":
        return
    op = f"{OPS[op_type]}3D" if rank == 3 else OPS[op_type]
    assert_same_bits(windows(op_type, mode, [(6, 3, 1)] * (rank - 1) + [COVERED[axis]]), {op: 1})


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("op_type", OPS)
@pytest.mark.parametrize("axis", CROPS)
@pytest.mark.parametrize("rank", [1, 2])
def test_windows_that_crop_it(op_type: str, mode: str, axis: str, rank: int) -> None:
    """onnxruntime leaves out about half of what no window needs in front; its pools round otherwise."""
    g = windows(op_type, mode, [(6, 3, 1)] * (rank - 1) + [CROPS[axis]])
    pool = op_type in ("MaxPool", "QLinearAveragePool")
    if axis.startswith("-2") and not (pool and mode == "SAME_UPPER"):
        assert_same_bits(g, {OPS[op_type]: 1})
    else:
        assert_same_bits(g, {OPS[op_type]: 0}, {op_type: CROPPED})


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("stride", [1, 2])
def test_dilated_pool(mode: str, stride: int) -> None:
    """Its padding is that of a window without gaps."""
    g = windows("MaxPool", mode, [(9, 3, stride), (10, 2, 2)], dilations=[2, 3])
    assert_same_bits(g, {"QMaxPool": 1})


@pytest.mark.parametrize("op_type", ["MaxPool", "QLinearAveragePool"])
@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("axis", [(9, 3, 2), (8, 3, 2), (9, 2, 2), (8, 1, 2), (9, 1, 3)])
def test_pool_rounded_up(op_type: str, mode: str, axis: tuple[int, int, int]) -> None:
    g = windows(op_type, mode, [(6, 3, 1), axis], ceil_mode=1)
    if axis[1] == 1 and mode != "VALID":
        assert_same_bits(g, {OPS[op_type]: 0}, {op_type: CROPPED})
    else:
        assert_same_bits(g, {OPS[op_type]: 1})


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER"])
@pytest.mark.parametrize("op_type", OPS)
def test_unknown_sizes(op_type: str, mode: str) -> None:
    """With strides of 1 the padding follows from the kernel."""
    assert_same_bits(windows(op_type, mode, [(9, 3, 1), (8, 4, 1)], unknown=True), {OPS[op_type]: 1})
    g = windows(op_type, mode, [(9, 3, 1), (8, 4, 2)], unknown=True)
    assert_same_bits(g, {OPS[op_type]: 0}, {op_type: "needs the height and width of its input to be known"})


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_transposed_convolution(mode: str) -> None:
    g = Graph()
    s, z = g.number(0.05), g.number(120, "uint8")
    weights = g.dequantize(g.random("int8", [8, 16, 3, 3]), "wd", g.number(0.003), g.number(0, "int8"))
    x = g.dequantize(g.x("x", "uint8", [2, 8, 5, 6]), "xd", s, z)
    y = g.node("ConvTranspose", [x, weights], "c", strides=[2, 2], auto_pad=mode)
    g.y(g.quantize(y, "y", g.number(0.3), z), "uint8", 4)
    assert_same_bits(g, {"QConv": 1}, quantum=1)
