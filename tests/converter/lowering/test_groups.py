"""Reshapes that split channels into groups or rows, or merge them: inside, copied only where pixels move."""

import pytest
from operators import DTYPES, Operators, assert_inside, assert_left

import check
from qudnn import converter


def reshaped(net: Operators, x: str, y: str, target: list[int]) -> str:
    return net.node("Reshape", [x, net.constant(f"{y}_target", target, "int64")], y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [4, 16, 21])
def test_rows_of_boxes(size: int, dtype: str) -> None:
    """As SSD's heads: images channels-last, whose anchors become rows; of two scales, one after the other."""
    net = Operators(dtype)
    x = net.eight_bit("x", ["n", 8, 6, 4])
    y = net.conv(x, "coarser", 8, 8, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    parts = []
    for name, source, pixels in (("fine", x, 24), ("coarse", y, 6)):
        head = net.conv(source, f"{name}_head", 8, 5 * size)
        head = net.node("Transpose", [head], f"{name}_last", perm=[0, 2, 3, 1])
        parts.append(reshaped(net, head, f"{name}_rows", [-1, pixels * 5, size]))
    net.node("Concat", parts, "rows", axis=1)
    net.matmul("rows", net.result("y", 3), size, 9)
    ops = {"QConv": 3, "Reshape": 2, "Concat": 1, "QMatMul": 1}
    assert_inside(net, ops, {"x": net.random(2, 8, 6, 4)}, {"x": net.random(1, 8, 6, 4)})


def test_rows_become_channels_again() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 8, 6, 4]), "c", 8, 60)
    x = net.node("Transpose", [x], "last", perm=[0, 2, 3, 1])
    x = reshaped(net, x, "rows", [0, 120, 12])
    x = reshaped(net, net.matmul(x, "m", 12, 20), "image", [0, 6, 4, 100])
    net.conv(net.node("Transpose", [x], "first", perm=[0, 3, 1, 2]), net.result("y", 4), 100, 9)
    ops = {"QConv": 2, "Reshape": 2, "QMatMul": 1}
    assert_inside(net, ops, {"x": net.random(2, 8, 6, 4)}, {"x": net.random(1, 8, 6, 4)})


def test_rows_of_few_channels_leave() -> None:
    """They would be mostly padding."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 8, 6, 4]), "c", 8, 15)
    x = net.node("Transpose", [x], "last", perm=[0, 2, 3, 1])
    reshaped(net, x, net.result("y", 3), [-1, 120, 3])
    assert_left(net, "Reshape", "splits the channels, or may split them", {"x": net.random(2, 8, 6, 4)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [16, 5])
def test_groups_of_channels_before_pixels(size: int, dtype: str) -> None:
    """As YOLO's distribution over distances: [N, 4 * 16, A] -> [N, 4, 16, A] -> [N, 16, 4, A]."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 8, 6, 4]), "c", 8, 4 * size)
    x = reshaped(net, x, "row", [0, 4 * size, 24])
    x = reshaped(net, x, "groups", [0, 4, size, 24])
    net.conv(net.node("Transpose", [x], "t", perm=[0, 2, 1, 3]), net.result("y", 4), size, 9)
    ops = {"QConv": 2, "Reshape": 2, "Transpose": 1}
    assert_inside(net, ops, {"x": net.random(2, 8, 6, 4)}, {"x": net.random(1, 8, 6, 4)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("groups", [[5, 12], [3, 4, 5]], ids=str)
@pytest.mark.parametrize("between", [None, "QLinearLeakyRelu"])
def test_groups_become_channels_again(between: str | None, groups: list[int], dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 8, 6, 4]), "c", 8, 60)
    x = reshaped(net, x, "groups", [0, *groups, 6, 4])
    if between:
        x = net.contrib(between, [x, *net.quantization("qx"), *net.quantization("qy")], "r", alpha=0.1)
    x = reshaped(net, x, "again", [0, 60, 6, 4])
    net.conv(x, net.result("y", 4), 60, 9)
    ops = {"QConv": 2, "Reshape": 2, "Transpose": 2}
    ops |= {"QTable": 1} if between else {}
    ops |= {"Gather": 1} if groups[-1] == 5 else {}  # without it two thirds of the tensor would be padding
    assert_inside(net, ops, {"x": net.random(2, 8, 6, 4)}, {"x": net.random(1, 8, 6, 4)})


def test_pixels_that_change_with_the_groups() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 8, "h", "w"]), "c", 8, 60)
    x = reshaped(net, x, "groups", [0, 3, 20, -1])
    net.conv(net.node("Transpose", [x], "t", perm=[0, 2, 1, 3]), net.result("y", 4), 20, 9)
    ops = {"QConv": 2, "Reshape": 1, "Transpose": 1}
    assert_inside(net, ops, {"x": net.random(2, 8, 6, 4)}, {"x": net.random(1, 8, 5, 7)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [4, 8])
def test_pixels_of_one_channel_become_channels(width: int, dtype: str) -> None:
    """As distances are read off their distributions: [N, 1, 4, A] -> [N, 4, A]."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 8, 4, width * 6]), "c", 8, 1)
    net.matmul(reshaped(net, x, "row", [0, 4, width * 6]), net.result("y", 3), width * 6, 9)
    ops = {"QConv": 1, "Slice": 1, "Reshape": 1, "QMatMul": 1, **({"Gather": 1} if width == 4 else {})}
    feeds = {"x": net.random(2, 8, 4, width * 6)}, {"x": net.random(1, 8, 4, width * 6)}
    assert_inside(net, ops, *feeds)


@pytest.mark.parametrize(("n", "target"), [(2, [1, 40]), ("n", [0, 5, 4])], ids=str)
def test_features_in_groups(n: int | str, target: list[int]) -> None:
    """Images may be such groups, too."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", [n, 5, 1, 1]), "c", 5, 20)
    x = reshaped(net, x, "groups", target)
    net.matmul(x, net.result("y", len(target)), target[-1], 9)
    conversion = converter.convert(net.model(13))
    assert not conversion.report.left and conversion.report.islands == 1, str(conversion.report)
    check.assert_equivalent(net.model(13), conversion.model, [{"x": net.random(2, 5, 1, 1)}])
