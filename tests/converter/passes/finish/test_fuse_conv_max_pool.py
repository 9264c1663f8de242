"""First convolutions whose results a max pool reads."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from networks import Network

from check import assert_equivalent
from qudnn import converter

SIZE = (20, 24)


def fused(net: Network, height: int = SIZE[0], width: int = SIZE[1]) -> Counter[str]:
    """How many ops of each kind the converted model has, once it is known to compute the same."""
    model = net.model(13)
    converted = converter.convert(model).model
    onnx.checker.check_model(converted, full_check=False)
    inputs = [{"x": net.random((batch, 3, height, width))} for batch in (2, 1)]
    assert_equivalent(model, converted, inputs)
    return Counter(node.op_type for node in converted.graph.node)


def network(*, k: int = 64, side: int = 7, size: tuple[int, int] = SIZE, **given: Any) -> tuple[Network, str]:
    """A network of an image and its first convolution, with strides of 2 and padding of half the filter."""
    net = Network()
    x = net.eight_bit_input(["n", 3, *size])
    settings = {"strides": [2, 2], "pads": [side // 2] * 4, **given}
    return net, net.conv(x, "c", 3, k, side, **settings)


def pool(net: Network, x: str, y: str, **given: Any) -> str:
    settings = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], **given}
    return net.node("MaxPool", [x], y, **settings)


@pytest.mark.parametrize("side", [3, 5, 7])
def test_the_pool_is_inside(side: int) -> None:
    net, c = network(side=side)
    net.conv(pool(net, c, "p"), net.unshaped_output("y", "uint8"), 64, 16)
    ops = fused(net)
    assert (ops["QConvMaxPool"], ops["QConv"], ops["QMaxPool"]) == (1, 1, 0)


def test_padding_for_the_next_convolution_is_written_with_it() -> None:
    net, c = network()
    net.conv(pool(net, c, "p"), net.unshaped_output("y", "uint8"), 64, 16, 3, pads=[1, 1, 1, 1])
    model = net.model(13)
    converted = converter.convert(model).model
    assert_equivalent(model, converted, [{"x": net.random((2, 3, *SIZE))}])
    (node,) = [node for node in converted.graph.node if node.op_type == "QConvMaxPool"]
    pads = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    assert pads["pads"] == [3, 3, 3, 3]  # the entry writes none of its own
    assert pads["y_pads"] == [0, 1, 1, 0, 0, 1, 1, 0]


def test_sizes_that_are_not_known() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 3, "h", "w"])
    c = net.conv(x, "c", 3, 64, 7, strides=[2, 2], pads=[3, 3, 3, 3])
    net.conv(pool(net, c, "p"), net.unshaped_output("y", "uint8"), 64, 16)
    assert fused(net, 21, 26)["QConvMaxPool"] == 1


@pytest.mark.parametrize(
    ("of_conv", "of_pool"),
    [
        ({"k": 48}, {}),
        ({"strides": [1, 1]}, {}),
        ({"side": 8, "pads": [3, 3, 4, 4]}, {}),
        ({"size": (20, 26)}, {}),
        ({}, {"kernel_shape": [2, 2], "pads": [0, 0, 0, 0]}),
        ({}, {"strides": [1, 1]}),
        ({}, {"pads": [0, 0, 0, 0]}),
        ({}, {"ceil_mode": 1}),
    ],
)
def test_what_the_kernel_does_not_take_stays_apart(of_conv: dict[str, Any], of_pool: dict[str, Any]) -> None:
    net, c = network(**of_conv)
    k = of_conv.get("k", 64)
    net.conv(pool(net, c, "p", **of_pool), net.unshaped_output("y", "uint8"), k, 16)
    ops = fused(net, *of_conv.get("size", SIZE))
    assert (ops["QConvMaxPool"], ops["QConv"], ops["QMaxPool"]) == (0, 2, 1)


def test_results_that_others_need_stay_apart() -> None:
    net, c = network()
    net.conv(pool(net, c, "p"), net.unshaped_output("y", "uint8"), 64, 16)
    net.conv(c, net.unshaped_output("z", "uint8"), 64, 16)
    ops = fused(net)
    assert (ops["QConvMaxPool"], ops["QMaxPool"]) == (0, 1)


def test_scales_that_turn_the_order_round_stay_apart() -> None:
    """With a negative scale of weights the largest result is that of the smallest sum."""
    net, c = network()
    net.conv(pool(net, c, "p"), net.unshaped_output("y", "uint8"), 64, 16)
    model = net.model(13)
    (node,) = [node for node in model.graph.node if node.name == "c_node"]
    (scale,) = [tensor for tensor in model.graph.initializer if tensor.name == node.input[4]]
    negative = -np.abs(onnx.numpy_helper.to_array(scale))
    scale.CopyFrom(onnx.numpy_helper.from_array(negative, scale.name))
    converted = converter.convert(model).model
    ops = Counter(node.op_type for node in converted.graph.node)
    assert ops["QConvMaxPool"] == 0
    assert_equivalent(model, converted, [{"x": net.random((2, 3, *SIZE))}])
