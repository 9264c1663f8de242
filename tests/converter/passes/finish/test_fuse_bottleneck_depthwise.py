"""Residual blocks whose windows are over each channel, with an addition and without: inverted residuals."""

from typing import Any

import onnx
import pytest
from block_networks import AROUND, apart, attributes, block, converted, convolutions, inputs, ops, start
from networks import Network

from check import assert_equivalent, assert_same_on_gpu
from qudnn import converter

ADDS, ALONE = "QBottleneckAdd", "QBottleneck"


def depthwise(c: int = 32, m: int = 96, k: int = 32) -> dict[str, Any]:
    return {"c": c, "m": m, "k": k, "group": m}


def shapes(model: onnx.ModelProto, node: onnx.NodeProto) -> list[list[int]]:
    """Of the filters, biases and multipliers of its three convolutions."""
    found = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    return [found[name] for name in node.input[-9:]]


@pytest.mark.parametrize("x_first", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_block_that_adds(dtype: str, x_first: bool) -> None:
    net, x = start(dtype, c=32)
    block(net, x, net.unshaped_output("y", dtype), x_first=x_first, **depthwise())
    model = converted(net)
    found = ops(model)
    assert (found[ADDS], found[ALONE], found["QConv"], found["QConvAdd"]) == (1, 0, 1, 0)
    (node,) = [node for node in model.graph.node if node.op_type == ADDS]
    assert node.input[0] == node.input[1]
    assert shapes(model, node) == [
        [96, 1, 1, 32], [96], [96], [96, 3, 3, 1], [96], [96], [32, 1, 1, 96], [32], [32]
    ]  # fmt: skip
    zero_point = net.zero_point - (128 if dtype == "uint8" else 0)
    given = attributes(model)
    assert (given["group"], given["pads"], given["result_first"]) == (96, [1] * 4, int(not x_first))
    assert given["padding_zero_point"] == given["reduced_zero_point"] == zero_point


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_block_that_adds_nothing(dtype: str, stride: int) -> None:
    net, x = start(dtype, c=32)
    y = net.unshaped_output("y", dtype)
    convolutions(net, x, y=y, strides=[stride] * 2, **depthwise(k=48))
    model = converted(net)
    found = ops(model)
    assert (found[ADDS], found[ALONE], found["QConv"]) == (0, 1, 1)
    (node,) = [node for node in model.graph.node if node.op_type == ALONE]
    assert len(node.input) == 10
    assert shapes(model, node)[::3] == [[96, 1, 1, 32], [96, 3, 3, 1], [48, 1, 1, 96]]
    given = attributes(model)
    assert (given["strides"], given["group"]) == ([stride] * 2, 96)
    assert not {"sum_scale", "dtype", "result_first", "y_pads"} & given.keys()


@pytest.mark.parametrize(("c", "m", "k"), [(16, 16, 16), (24, 144, 24), (3, 20, 7), (160, 960, 320)])
def test_channels(c: int, m: int, k: int) -> None:
    """Those that an island has less than its operators are padded with."""
    net, x = start(c=c)
    convolutions(net, x, y=net.unshaped_output("y", "uint8"), **depthwise(c, m, k))
    assert ops(converted(net))[ALONE] == 1


def test_blocks_after_blocks() -> None:
    net, x = start(c=32)
    x = convolutions(net, x, "a", **depthwise(k=48))
    x = block(net, x, "b", **depthwise(48, 96, 48))
    x = block(net, x, "c", x_first=True, **depthwise(48, 96, 48))
    x = convolutions(net, x, "d", strides=[2, 2], **depthwise(48, 96, 64))
    net.average(x, net.unshaped_output("y", "uint8"))
    found = ops(converted(net))
    assert (found[ADDS], found[ALONE], found["QConv"], found["QConvAdd"]) == (2, 2, 1, 0)


def mobilenet_v2() -> Network:
    """With all of its channels, at 32 x 32, and no Clip: ranges clamp."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 32, 32]), "stem", 3, 32, 3, pads=[1] * 4, strides=[2, 2])
    x = net.conv(net.conv(x, "first_window", 32, 32, 3, group=32, **AROUND), "first", 32, 16)
    c = 16
    stages = [(24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)]
    for stage, (k, count, stride) in enumerate(stages):
        for number in range(count):
            name, of_block = f"b{stage}_{number}", depthwise(c, 6 * c, k)
            strides = [1, 1] if number else [stride] * 2
            x = (
                block(net, x, name, **of_block)
                if number
                else convolutions(net, x, name, strides=strides, **of_block)
            )
            c = k
    net.average(net.conv(x, "head", c, 1280), net.unshaped_output("y", "uint8"))
    return net


def test_mobilenet_v2() -> None:
    """All blocks but the first, which expands nothing; the stem, two convolutions of the first, the head."""
    net = mobilenet_v2()
    model = net.model(13)
    result = converter.convert(model).model
    found = ops(result)
    assert (found[ADDS], found[ALONE], found["QConv"], found["QConvAdd"]) == (10, 6, 4, 0)
    assert_equivalent(model, result, [{"x": net.random((2, 3, 32, 32))}])


def test_a_chain_of_pairs() -> None:
    """Windows and pointwise convolutions by turns: no convolution is in two blocks."""
    net, x = start(c=32)
    for number in range(4):
        x = net.conv(x, f"window{number}", 32, 32, 3, group=32, **AROUND)
        x = net.conv(x, f"pointwise{number}", 32, 32)
    net.average(x, net.unshaped_output("y", "uint8"))
    found = ops(converted(net))
    assert (found[ALONE], found["QConv"]) == (2, 1 + 8 - 2 * 3)


@pytest.mark.parametrize("function", ["Sigmoid", "LeakyRelu"])
@pytest.mark.parametrize("which", ["reduced", "window"])
def test_a_function_between(which: str, function: str) -> None:
    """A convolution that looks its results up is in no block."""
    net, x = start(c=32)
    reduced = net.conv(x, "reduced", 32, 96)
    if which == "reduced":
        reduced = net.node(f"QLinear{function}", [reduced, *net.quantized * 2], "f", "com.microsoft")
    window = net.conv(reduced, "window", 96, 96, 3, group=96, **AROUND)
    if which == "window":
        window = net.node(f"QLinear{function}", [window, *net.quantized * 2], "f", "com.microsoft")
    net.conv(window, net.unshaped_output("y", "uint8"), 96, 32)
    apart(net, "", last="QConvTable")


def test_padding_that_the_last_one_writes() -> None:
    """For a convolution with windows over all channels behind the block."""
    net, x = start(c=32)
    last = convolutions(net, x, **depthwise())
    net.conv(last, net.unshaped_output("y", "uint8"), 32, 32, 3, **AROUND)
    apart(net, "the last convolution of its block writes padding", last="QConv")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"dilations": [2, 2], "pads": [2, 2, 2, 2]}, "has dilations"),
        ({"pads": [0, 0, 2, 2]}, "have a padding other than 1"),
        ({"strides": [3, 3]}, "have strides other than 1 and 2"),
        ({"k": 336}, "and 336 channels: the kernel takes multiples of 16, up to 4096, and up to 320 results"),
        ({"m": 4112, "group": 4112}, "and 32 channels: the kernel takes multiples of 16"),
    ],
)
def test_other_blocks(given: dict[str, Any], reason: str) -> None:
    net, x = start(c=32)
    convolutions(net, x, y=net.unshaped_output("y", "uint8"), **{**depthwise(), **given})
    apart(net, reason, last="QConv")


@pytest.mark.parametrize("which", ["reduced", "window"])
def test_what_others_read(which: str) -> None:
    net, x = start(c=32)
    convolutions(net, x, y=net.unshaped_output("y", "uint8"), **depthwise())
    net.conv(which, net.unshaped_output("z", "uint8"), 96, 16)
    apart(net, "other operators read what is between the convolutions of its block", last="QConv")


def test_two_results_of_each_channel() -> None:
    net, x = start(c=32)
    reduced = net.conv(x, "reduced", 32, 48)
    window = net.conv(reduced, "window", 48, 96, 3, group=48, **AROUND)
    net.conv(window, net.unshaped_output("y", "uint8"), 96, 32)
    apart(net, "its block has 32, 48, 96 and 32 channels: the kernel takes as many before", last="QConv")


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_on_the_gpu(dtype: str) -> None:
    net, x = start(dtype, c=32)
    for number in range(2):
        x = block(net, x, f"b{number}", **depthwise())
    convolutions(net, x, y=net.unshaped_output("y", dtype), strides=[2, 2], **depthwise())
    model = converted(net)
    found = ops(model)
    assert (found[ADDS], found[ALONE]) == (2, 1)
    assert_same_on_gpu(model, inputs(net))


@pytest.mark.gpu
def test_mobilenet_v2_on_the_gpu() -> None:
    net = mobilenet_v2()
    model = converter.convert(net.model(13)).model
    found = ops(model)
    assert (found[ADDS], found[ALONE]) == (10, 6)
    assert_same_on_gpu(model, [{"x": net.random((batch, 3, 32, 32))} for batch in (1, 3, 40)])
