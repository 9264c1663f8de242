"""Residual blocks of three convolutions, with windows over all channels."""

from typing import Any

import numpy as np
import pytest
from block_networks import AROUND, apart, attributes, block, converted, convolutions, inputs, ops, start
from networks import Network

from cases.builder import MICROSOFT
from check import assert_equivalent, assert_same_on_gpu
from qudnn import converter
from session import open_session, outputs

OP = "QBottleneckAdd"


@pytest.mark.parametrize("x_first", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_block_is_one_op(dtype: str, x_first: bool) -> None:
    net, x = start(dtype)
    block(net, x, net.unshaped_output("y", dtype), x_first=x_first)
    model = converted(net)
    found = ops(model)
    assert (found[OP], found["QConv"], found["QConvAdd"], found["QAdd"]) == (1, 1, 0, 0)
    (node,) = [node for node in model.graph.node if node.op_type == OP]
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    assert [shapes[name] for name in node.input[2:]] == [
        [64, 1, 1, 256], [64], [64], [64, 3, 3, 64], [64], [64], [256, 1, 1, 64], [256], [256]
    ]  # fmt: skip
    assert node.input[0] == node.input[1]
    zero_point = net.zero_point - (128 if dtype == "uint8" else 0)
    given = attributes(model)
    assert given["padding_zero_point"] == given["reduced_zero_point"] == zero_point
    assert (given["pads"], given["result_first"]) == ([1, 1, 1, 1], int(not x_first))


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("x_first", [True, False])
def test_a_residual_of_a_convolution(x_first: bool, late: bool) -> None:
    """The block's last convolution adds, not that of the residual, whichever of them comes later."""
    net, x = start(c=64)
    short = "" if late else net.conv(x, "short", 64, 256)
    last = convolutions(net, x, c=64)
    short = short or net.conv(x, "short", 64, 256)
    net.add(*((short, last) if x_first else (last, short)), net.unshaped_output("y", "uint8"))
    model = converted(net)
    found = ops(model)
    assert (found[OP], found["QConv"], found["QConvAdd"]) == (1, 2, 0)
    assert attributes(model)["result_first"] == int(not x_first)


def test_blocks_after_blocks() -> None:
    net, x = start()
    for number in range(3):
        x = block(net, x, f"b{number}", x_first=number == 1)
    net.average(x, net.unshaped_output("y", "uint8"))
    found = ops(converted(net))
    assert (found[OP], found["QConv"], found["QConvAdd"]) == (3, 1, 0)


@pytest.mark.parametrize(
    ("c", "m", "k"),
    [
        *[(64, 64, 256), (192, 128, 512), (512, 256, 1024), (128, 64, 512)],
        *[(128, 128, 128), (64, 64, 192), (64, 512, 512), (64, 1024, 2048)],
    ],
)
def test_channels(c: int, m: int, k: int) -> None:
    net, x = start(c=c)
    last = convolutions(net, x, c=c, m=m, k=k)
    net.add(net.conv("x", "other", 16, k), last, net.unshaped_output("y", "uint8"))
    assert ops(converted(net))[OP] == 1


def resnet50() -> Network:
    """With all of its channels, at 32 x 32."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 32, 32]), "stem", 3, 64, 7, pads=[3] * 4, strides=[2, 2])
    x = net.node("MaxPool", [x], "pool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    c = 64
    for stage, (m, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for number in range(count):
            name = f"b{stage}_{number}_"
            strides = [2, 2] if stage and not number else [1, 1]
            last = convolutions(net, x, name, c=c, m=m, k=4 * m, strides=strides)
            short = x if number else net.conv(x, f"{name}short", c, 4 * m, strides=strides)
            x, c = net.add(last, short, f"{name}sum"), 4 * m
    net.average(x, net.unshaped_output("y", "uint8"))
    return net


def test_resnet50() -> None:
    """All of its blocks."""
    net = resnet50()
    model = net.model(13)
    result = converter.convert(model).model
    found = ops(result)
    # The shortcuts of the first one and of three with strides; the stem has a pool.
    assert (found[OP], found["QConvAdd"], found["QConv"], found["QConvMaxPool"]) == (16, 0, 4, 1)
    assert_equivalent(model, result, [{"x": net.random((2, 3, 32, 32))}])


def test_padding_of_0() -> None:
    """No other convolution writes it."""
    net, x = start()
    net.quantized = [net.scale, net.constant("middle", 128, "uint8")]
    block(net, x, net.unshaped_output("y", "uint8"))
    given = attributes(converted(net))
    assert (given["padding_zero_point"], given["pads"]) == (0, [1, 1, 1, 1])


def of_own(net: Network, name: str, scale: float, zero_point: int) -> list[str]:
    """The parameters of a tensor."""
    return [
        net.constant(f"{name}_scale", scale, "float32"),
        net.constant(f"{name}_zero", zero_point, "uint8"),
    ]


@pytest.mark.parametrize("read_otherwise", [True, False])
@pytest.mark.parametrize("x_first", [True, False])
def test_tensors_with_parameters_of_their_own(x_first: bool, read_otherwise: bool) -> None:
    """read_otherwise: the window has another zero point than its tensor was written with."""
    net, x = start()
    reduced, window, last, y = (
        of_own(net, *each)
        for each in (("r", 0.04, 31), ("w", 0.07, 99), ("l", 0.06, 140), ("sum", 0.08, 111))
    )
    read = of_own(net, "read", 0.04, 44) if read_otherwise else reduced

    def conv(x: str, of_x: list[str], of_y: list[str], name: str, c: int, k: int, **window: Any) -> str:
        size = 3 if window else 1
        return net.node(
            "QLinearConv", [x, *of_x, *net.weights(name, (k, c, size, size), k), *of_y], name, **window
        )

    between = conv(x, net.quantized, reduced, "reduced", 256, 64)
    between = conv(between, read, window, "window", 64, 64, **AROUND)
    result = conv(between, window, last, "last", 64, 256)
    operands = [[result, *last], [x, *net.quantized]]
    a, b = operands[::-1] if x_first else operands
    net.node("QLinearAdd", [*a, *b, *y], net.unshaped_output("y", "uint8"), MICROSOFT)
    given = attributes(converted(net))
    names = ("reduced", "padding", "window", "y", "a", "b", "sum")
    a_zero, b_zero = (net.zero_point, 140) if x_first else (140, net.zero_point)
    assert [given[f"{name}_zero_point"] for name in names] == [
        31 - 128, (44 if read_otherwise else 31) - 128, 99 - 128, 140 - 128, a_zero, b_zero, 111
    ]  # fmt: skip
    assert given["a_scale" if x_first else "b_scale"] == pytest.approx(0.05)


@pytest.mark.parametrize("which", ["reduced", "window"])
def test_what_others_read(which: str) -> None:
    net, x = start()
    net.add(convolutions(net, x), x, net.unshaped_output("y", "uint8"))
    net.conv(which, net.unshaped_output("z", "uint8"), 64, 16)
    apart(net, "other operators read what is between the convolutions of its block")


def test_a_sum_with_what_is_between() -> None:
    net, x = start(c=64)
    last = convolutions(net, x, c=64, m=256)
    net.add(last, "window", net.unshaped_output("y", "uint8"))
    apart(net, "other operators read what is between the convolutions of its block")


def strided(window: list[int], reduce: list[int] | None = None) -> Network:
    """A block with strides, and a shortcut with as many."""
    net, x = start(c=64)
    first = reduce or [1, 1]
    between = net.conv(x, "reduced", 64, 64, strides=first)
    between = net.conv(between, "window", 64, 64, 3, strides=window, **AROUND)
    strides = [a * b for a, b in zip(first, window, strict=True)]
    short = net.conv(x, "short", 64, 256, strides=strides)
    net.add(short, net.conv(between, "last", 64, 256), net.unshaped_output("y", "uint8"))
    return net


def test_strides() -> None:
    """The addition stays with the block; its shortcut remains a convolution."""
    model = converted(strided([2, 2]))
    found = ops(model)
    assert (found[OP], found["QConv"], found["QConvAdd"]) == (1, 2, 0)
    assert (attributes(model)["strides"], attributes(model)["result_first"]) == ([2, 2], 0)


def test_other_strides() -> None:
    apart(strided([2, 1]), "the windows of its block have strides other than 1 and 2")
    apart(strided([3, 3]), "the windows of its block have strides other than 1 and 2")
    apart(strided([1, 1], [2, 2]), "a pointwise convolution of its block has strides")


@pytest.mark.parametrize(
    ("of_window", "reason"),
    [
        ({"dilations": [2, 2], "pads": [2, 2, 2, 2]}, "has dilations"),
        ({"pads": [0, 0, 2, 2]}, "have a padding other than 1"),
        ({"pads": [2, 1, 0, 1]}, "have a padding other than 1"),
    ],
)
def test_other_windows(of_window: dict[str, Any], reason: str) -> None:
    net, x = start()
    block(net, x, net.unshaped_output("y", "uint8"), **of_window)
    apart(net, reason)


@pytest.mark.parametrize(
    ("c", "m", "k"),
    [(256, 32, 256), (64, 64, 96), (96, 64, 256), (256, 96, 256), (64, 192, 192), (64, 256, 128)],
)
def test_other_channels(c: int, m: int, k: int) -> None:
    net, x = start(c=c)
    short = x if c == k else net.conv(x, "short", c, k)
    net.add(short, convolutions(net, x, c=c, m=m, k=k), net.unshaped_output("y", "uint8"))
    apart(net, f"its block has {c}, {m}, {m} and {k} channels: the kernel takes a multiple of 64")


def test_groups_are_no_such_block() -> None:
    net, x = start()
    block(net, x, net.unshaped_output("y", "uint8"), group=32)
    apart(net, "")


def test_a_block_without_an_addition_is_none() -> None:
    """Unless windows are over each channel: see test_fuse_bottleneck_depthwise.py."""
    net, x = start()
    convolutions(net, x, y=net.unshaped_output("y", "uint8"))
    apart(net, "", last="QConv")


@pytest.mark.parametrize("sizes", [(1, 5, 1), (3, 3, 1), (1, 3, 3), (1, 1, 1)])
def test_other_filters_are_no_such_block(sizes: tuple[int, int, int]) -> None:
    net, x = start()
    channels = (256, 64), (64, 64), (64, 256)
    y = x
    for number, ((c, k), size) in enumerate(zip(channels, sizes, strict=True)):
        y = net.conv(y, f"c{number}", c, k, size, pads=[size // 2] * 4)
    net.add(y, x, net.unshaped_output("y", "uint8"))
    apart(net, "")


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_on_the_gpu(dtype: str) -> None:
    net, x = start(dtype)
    for number in range(2):
        x = block(net, x, f"b{number}")
    net.conv(x, net.unshaped_output("y", dtype), 256, 16)
    model = converted(net)
    assert ops(model)[OP] == 2
    assert_same_on_gpu(model, inputs(net))


@pytest.mark.gpu
def test_strides_on_the_gpu() -> None:
    net = strided([2, 2])
    model = converted(net)
    assert ops(model)[OP] == 1
    assert_same_on_gpu(model, inputs(net))


@pytest.mark.gpu
def test_resnet50_on_the_gpu() -> None:
    """At batches where one kernel takes a block, and where three do."""
    net = resnet50()
    model = converter.convert(net.model(13)).model
    assert ops(model)[OP] == 16
    assert_same_on_gpu(model, [{"x": net.random((batch, 3, 32, 32))} for batch in (1, 3, 40)])


def test_results_differ() -> None:
    """The networks above show something."""
    net, x = start()
    block(net, x, net.unshaped_output("y", "uint8"))
    model = converted(net)
    (y,) = outputs(open_session(model), inputs(net)[0]).values()
    assert len(np.unique(y)) > 100
