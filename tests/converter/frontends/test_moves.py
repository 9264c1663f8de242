"""Operators that move values: Concat, Split, Slice, Gather, shuffles, Reshape, Transpose and the like."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
from onnx import helper
from operators import DTYPES, Operators, assert_inside, assert_left

import check
from qudnn import converter


def concat(net: Operators, inputs: Sequence[str], y: str, axis: int = 1, same: bool = False) -> str:
    """QLinearConcat, where `same` with one quantization for all."""
    parameters = net.quantization(f"q{y}")
    each = [[x, *(parameters if same else net.quantization(f"q{y}{x}"))] for x in inputs]
    return net.contrib("QLinearConcat", [*parameters, *chain.from_iterable(each)], y, axis=axis)


@pytest.mark.parametrize("dtype", DTYPES)
def test_concat_on_channels_leaves_gaps(dtype: str) -> None:
    net = Operators(dtype)
    x = net.eight_bit("x", ["n", 5, 6, 6])
    parts = [net.conv(x, f"p{k}", 5, k) for k in (7, 16, 30)]
    x = concat(net, parts, "joined", same=True)
    x = net.conv(x, "depthwise", 53, 53, 3, group=53, pads=[1, 1, 1, 1])
    x = concat(net, [x, parts[1]], "again")
    x = net.contrib("QLinearGlobalAveragePool", [x, *net.quantization("qx"), *net.quantization("qm")], "mean")
    net.matmul(net.node("Flatten", [x], "flat"), net.result("y", 2), 69, 9)
    convs = {"QConv": 3, "QConvTable": 1, "QTable": 1}  # parts[1] is read twice
    ops = {**convs, "Concat": 2, "QGlobalAveragePool": 1, "Flatten": 1, "QMatMul": 1}
    assert_inside(net, ops, {"x": net.random(2, 5, 6, 6)}, {"x": net.random(1, 5, 6, 6)})


@pytest.mark.parametrize("axis", [0, 2, -1])
def test_concat_on_other_axes(axis: int) -> None:
    net = Operators("uint8")
    x = net.eight_bit("x", [2, 5, 6, 6])
    x = concat(net, [net.conv(x, "a", 5, 20), net.conv(x, "b", 5, 20)], "joined", axis)
    net.conv(x, net.result("y", 4), 20, 4)
    assert_inside(net, {"QConv": 1, "Concat": 1, "QConvTable": 2}, {"x": net.random(2, 5, 6, 6)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_gaps_are_closed_where_a_tensor_leaves_or_is_softmaxed(dtype: str) -> None:
    net = Operators(dtype)
    x = net.eight_bit("x", ["n", 5])
    x = concat(net, [net.matmul(x, "a", 5, 7), net.matmul(x, "b", 5, 9)], net.result("joined", 2), same=True)
    net.contrib(
        "QLinearSoftmax",
        [x, *net.quantization("qs"), *net.quantization("qy", 0.004)],
        net.result("y", 2),
        opset=13,
    )
    ops = {"QMatMul": 2, "Concat": 1, "Gather": 1, "QSoftmax": 1}
    assert_inside(net, ops, {"x": net.random(3, 5)}, {"x": net.random(1, 5)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_pairs_of_different_layouts(dtype: str) -> None:
    net = Operators(dtype)
    x = net.eight_bit("x", ["n", 5, 6, 6])
    a = concat(net, [net.conv(x, "p", 5, 7), net.conv(x, "q", 5, 16)], "joined", same=True)
    b = net.conv(x, "r", 5, 23)
    inputs = [a, *net.quantization("qa"), b, *net.quantization("qb"), *net.quantization("qy")]
    net.contrib("QLinearAdd", inputs, net.result("y", 4))
    ops = {"QConv": 2, "Concat": 1, "Gather": 1, "QConvAdd": 1}
    assert_inside(net, ops, {"x": net.random(2, 5, 6, 6)}, {"x": net.random(1, 5, 6, 6)})


@pytest.mark.parametrize(("sizes", "ops"), [((16, 32), {"Slice": 2}), ((20, 28), {"Slice": 1, "Gather": 1})])
def test_split(sizes: tuple[int, int], ops: dict[str, int]) -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 6]), "c", 5, 48)
    parts = net.constant("sizes", np.array(sizes, np.int64))
    net.nodes.append(helper.make_node("Split", [x, parts], ["s0", "s1"], name="split", axis=1))
    for number, size in enumerate(sizes):
        net.conv(f"s{number}", net.result(f"y{number}", 4), size, size, 3, group=size)
    assert_inside(net, {"QConv": 3, **ops}, {"x": net.random(2, 5, 6, 6)}, {"x": net.random(1, 5, 6, 6)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_taking_channels_costs_nothing_before_pointwise_convolutions(dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 6]), "c", 5, 64)
    net.nodes.append(helper.make_node("Split", [x], ["s0", "s1"], name="split", axis=1))
    order = net.constant("order", np.array([3, 1, 31, -2, 0]), "int64")
    net.conv(net.node("Gather", ["s0", order], "g", axis=1), net.result("y", 4), 5, 7)
    net.conv(net.node("Identity", ["s1"], "same"), net.result("z", 4), 32, 7)
    assert_inside(net, {"QConv": 3}, {"x": net.random(2, 5, 6, 6)}, {"x": net.random(1, 5, 6, 6)})


def test_a_channel_taken_twice() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 6]), "c", 5, 20)
    order = net.constant("order", [3, 1, 3], "int64")
    net.conv(net.node("Gather", [x, order], "g", axis=1), net.result("y", 4), 3, 7)
    assert_inside(
        net, {"QConv": 2, "Gather": 1}, {"x": net.random(2, 5, 6, 6)}, {"x": net.random(1, 5, 6, 6)}
    )


@pytest.mark.parametrize("groups", [2, 4])
def test_channel_shuffle(groups: int) -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 7]), "c", 5, 24)
    x = net.node("Reshape", [x, net.constant("to", [-1, groups, 24 // groups, 6, 7], "int64")], "r")
    x = net.node("Transpose", [x], "t", perm=[0, 2, 1, 3, 4])
    x = net.node("Reshape", [x, net.constant("back", [0, -1, 6, 7], "int64")], "s")
    x = net.conv(x, "depthwise", 24, 24, 3, group=24)
    net.conv(x, net.result("y", 4), 24, 9)
    assert_inside(net, {"QConv": 3}, {"x": net.random(2, 5, 6, 7)}, {"x": net.random(1, 5, 6, 7)})


def test_channel_shuffle_beside_a_consumer_of_rows() -> None:
    """What works along the last axis wants that last inside as well; the shuffle is along axis 1 still."""
    net = Operators("uint8")
    x = net.eight_bit("x", ["n", 6, 5, 6])
    y = net.node("Reshape", [x, net.constant("to", [0, 2, 3, 5, 6], "int64")], "r")
    y = net.node("Transpose", [y], "t", perm=[0, 2, 1, 3, 4])
    y = net.node("Reshape", [y, net.constant("back", [0, 6, 5, 6], "int64")], "s")
    net.conv(y, net.result("y", 4), 6, 9)
    inputs = [x, *net.quantization("qx"), *net.quantization("qs", 1 / 256)]
    net.contrib("QLinearSoftmax", inputs, net.result("z", 4), axis=-1, opset=13)
    conversion = converter.convert(net.model(13))
    assert not conversion.report.left
    check.assert_equivalent(net.model(13), conversion.model, [{"x": net.random(2, 6, 5, 6)}])


def test_grouped_convolution_of_shuffled_channels() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 7]), "c", 5, 24)
    x = net.node("Gather", [x, net.constant("order", np.arange(24)[::-1], "int64")], "g", axis=1)
    net.conv(x, net.result("y", 4), 24, 12, 3, group=4)
    assert_inside(
        net, {"QConv": 2, "Gather": 1}, {"x": net.random(2, 5, 6, 7)}, {"x": net.random(1, 5, 6, 7)}
    )


def test_slice_of_pixels_and_channels() -> None:
    net = Operators("int8")
    x = net.conv(net.eight_bit("x", ["n", 5, "h", 9]), "c", 5, 24)
    bounds = [net.constant(name, value, "int64") for name, value in SLICE.items()]
    x = net.node("Slice", [x, *bounds], "s")
    net.conv(x, net.result("y", 4), 11, 8)
    ops = {"QConv": 2, "Slice": 1}
    assert_inside(net, ops, {"x": net.random(2, 5, 8, 9)}, {"x": net.random(1, 5, 11, 9)})


SLICE = {"starts": [1, 2, -8], "ends": [10**6, 24, 8], "axes": [2, 1, 3], "steps": [2, 2, 1]}


def test_space_to_depth_by_slices() -> None:
    """As detectors focus an image: four slices, one after the other."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 8, 8]), "c", 5, 12)
    axes, steps = net.constant("axes", [2, 3], "int64"), net.constant("steps", [2, 2], "int64")
    ends = net.constant("ends", [8, 8], "int64")
    parts = [
        net.node(
            "Slice",
            [x, net.constant(f"start{row}{column}", [row, column], "int64"), ends, axes, steps],
            f"s{row}{column}",
        )
        for row in (0, 1)
        for column in (0, 1)
    ]
    net.conv(net.node("Concat", parts, "joined", axis=1), net.result("y", 4), 48, 8)
    ops = {"QConv": 2, "Slice": 4, "Concat": 1}
    assert_inside(net, ops, {"x": net.random(2, 5, 8, 8)}, {"x": net.random(1, 5, 8, 8)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_flatten_of_several_pixels(dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 5, 3, 4]), "c", 5, 20)
    x = concat(net, [x, net.conv("x", "d", 5, 3)], "joined", same=True)
    x = net.matmul(net.node("Flatten", [x], "flat"), "m", 23 * 12, 30)
    net.matmul(x, net.result("y", 2), 30, 7)
    ops = {"QConv": 2, "Concat": 1, "Reshape": 1, "QMatMul": 2}
    assert_inside(net, ops, {"x": net.random(2, 5, 3, 4)}, {"x": net.random(1, 5, 3, 4)})


def test_pixels_as_a_sequence() -> None:
    """[N,C,H,W] -> [N,C,H*W] -> [N,H*W,C], a matmul, and back again."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 3, 4]), "c", 5, 20)
    x = net.node("Reshape", [x, net.constant("to", [0, 20, -1], "int64")], "r")
    x = net.matmul(net.node("Transpose", [x], "t", perm=[0, 2, 1]), "m", 20, 24)
    x = net.node("Transpose", [x], "u", perm=[0, 2, 1])
    x = net.node("Reshape", [x, net.constant("back", [0, 24, 3, 4], "int64")], "b")
    net.conv(x, net.result("y", 4), 24, 9, 3)
    ops = {"QConv": 2, "QMatMul": 1, "Reshape": 2}
    assert_inside(net, ops, {"x": net.random(2, 5, 3, 4)}, {"x": net.random(1, 5, 3, 4)})


def test_other_axes_are_transposed() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 3, 4]), "c", 5, 20)
    x = net.node("Transpose", [x], "t", perm=[0, 1, 3, 2])
    net.conv(x, net.result("y", 4), 20, 9, 3)
    assert_inside(
        net, {"QConv": 2, "Transpose": 1}, {"x": net.random(2, 5, 3, 4)}, {"x": net.random(1, 5, 3, 4)}
    )


def test_squeeze_and_unsqueeze() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 1, 9]), "c", 5, 20)
    x = net.node("Squeeze", [x, net.constant("drop", [2], "int64")], "s")
    x = net.conv(x, "d", 20, 20, [3])
    x = net.node("Unsqueeze", [x, net.constant("add", [-1], "int64")], "u")
    net.conv(x, net.result("y", 4), 20, 6)
    assert_inside(
        net,
        {"QConv": 3, "Reshape": 2, "Unsqueeze": 1, "Squeeze": 1},
        {"x": net.random(2, 5, 1, 9)},
        {"x": net.random(1, 5, 1, 9)},
    )


def test_channels_that_are_torn_apart_leave() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 3, 4]), "c", 5, 20)
    net.node("Reshape", [x, net.constant("to", [0, 40, 2, 3], "int64")], net.result("y", 4))
    assert_left(net, "Reshape", "splits the channels, or may split them", {"x": net.random(2, 5, 3, 4)})
