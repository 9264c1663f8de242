"""Images enter with 4 channels where only stems read them."""

from typing import Any

import onnx
import pytest
from networks import Network
from onnx import numpy_helper

from check import assert_equivalent
from qudnn import converter


def shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Of the constants, by name."""
    return {tensor.name: numpy_helper.to_array(tensor).shape for tensor in model.graph.initializer}


def weight_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Of the convolutions, by the name of the node."""
    found = shapes(model)
    return {node.name: found[node.input[1]] for node in model.graph.node if node.op_type == "QConv"}


def convert(net: Network, channels: int) -> onnx.ModelProto:
    """Converts, and compares with the original."""
    model = net.model(13)
    converted = converter.convert(model).model
    assert_equivalent(model, converted, [{"x": net.random((2, channels, 13, 12))}])
    return converted


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_up_to_4_channels(channels: int, dtype: str) -> None:
    net = Network(dtype)
    x = net.eight_bit_input(["n", channels, 13, 12])
    net.conv(x, net.unshaped_output("y", dtype), channels, 20, 7, pads=[3, 2, 1, 0], strides=[2, 2])
    narrow = 4 if channels <= 4 else 16
    assert weight_shapes(convert(net, channels)) == {"y_node": (32, 7, 7, narrow)}


@pytest.mark.parametrize(
    ("size", "attributes", "narrow"),
    [
        pytest.param(1, {}, 4, id="1x1"),
        pytest.param(8, {"strides": [8, 8]}, 4, id="as large as can be"),
        pytest.param(9, {}, 16, id="filter too large"),
        pytest.param(2, {"strides": [1, 9]}, 16, id="stride too large"),
        pytest.param(3, {"dilations": [2, 1]}, 16, id="dilated"),
    ],
)
def test_what_a_stem_is(size: int, attributes: dict[str, Any], narrow: int) -> None:
    net = Network()
    net.conv(
        net.eight_bit_input(["n", 3, 13, 12]), net.unshaped_output("y", "uint8"), 3, 16, size, **attributes
    )
    assert weight_shapes(convert(net, 3)) == {"y_node": (16, size, size, narrow)}


@pytest.mark.parametrize(("size", "narrow"), [(3, 4), (9, 16)])
def test_all_consumers_are_stems_or_none_is(size: int, narrow: int) -> None:
    net = Network()
    x = net.eight_bit_input(["n", 3, 13, 12])
    net.conv(x, net.unshaped_output("y", "uint8"), 3, 16)
    net.conv(x, net.unshaped_output("z", "uint8"), 3, 16, size)
    assert weight_shapes(convert(net, 3)) == {
        "y_node": (16, 1, 1, narrow),
        "z_node": (16, size, size, narrow),
    }


def test_other_consumers() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 3, 13, 12])
    net.conv(x, net.unshaped_output("y", "uint8"), 3, 16)
    net.add(x, x, net.unshaped_output("z", "uint8"))
    assert weight_shapes(convert(net, 3)) == {"y_node": (16, 1, 1, 16)}
