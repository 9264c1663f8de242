"""Images that are quantized where the first convolution and its pool read them."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from networks import Network
from onnx import TensorProto

from cases.border import decisive
from cases.builder import Array
from check import assert_equivalent
from qudnn import converter

SIZE = (20, 24)


def network(x: str, net: Network, *, channels: int = 3, **of_conv: Any) -> Network:
    """From a quantized image: the first convolution, a max pool, another convolution."""
    settings = {"strides": [2, 2], "pads": [3, 3, 3, 3], **of_conv}
    c = net.conv(x, "c", channels, 64, 7, **settings)
    p = net.node("MaxPool", [c], "p", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    net.conv(p, net.unshaped_output("y", "uint8"), 64, 16)
    return net


def image(dtype: str = "float32", batch: int = 2, channels: int = 3) -> Array:
    return decisive(np.float32(0.05), (batch, channels, *SIZE)).clip(-6e4, 6e4).astype(dtype)


def converted(net: Network, inputs: dict[str, Array], opset: int = 13) -> onnx.ModelProto:
    """The converted model, once it is known to compute the same."""
    model = net.model(opset)
    result = converter.convert(model).model
    assert_equivalent(model, result, [inputs])
    return result


def ops(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_the_entry_is_inside(dtype: str) -> None:
    net = Network(dtype)
    q = net.quantize(net.input("x", "float32", ["n", 3, *SIZE]), "q")
    c = net.conv(q, "c", 3, 64, 7, strides=[2, 2], pads=[3, 3, 3, 3])
    p = net.node("MaxPool", [c], "p", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    net.conv(p, net.unshaped_output("y", dtype), 64, 16)
    model = converted(net, {"x": image()})
    found = ops(model)
    assert (found["ConvMaxPoolToIsland"], found["QuantizeToIsland"], found["QConvMaxPool"]) == (1, 0, 0)
    (node,) = [node for node in model.graph.node if node.op_type == "ConvMaxPoolToIsland"]
    assert node.input[0] == "x"


def test_padding_for_the_next_convolution_is_written_with_it() -> None:
    net = Network()
    q = net.quantize(net.input("x", "float32", ["n", 3, *SIZE]), "q")
    c = net.conv(q, "c", 3, 64, 7, strides=[2, 2], pads=[3, 3, 3, 3])
    p = net.node("MaxPool", [c], "p", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    net.conv(p, net.unshaped_output("y", "uint8"), 64, 16, 3, pads=[1, 1, 1, 1])
    model = converted(net, {"x": image()})
    (node,) = [node for node in model.graph.node if node.op_type == "ConvMaxPoolToIsland"]
    pads = {attribute.name: list(attribute.ints) for attribute in node.attribute}
    assert pads["y_pads"] == [0, 1, 1, 0, 0, 1, 1, 0]


def test_an_image_in_float16_is_read_as_it_is() -> None:
    net = Network()
    x = net.node("Cast", [net.input("x", "float16", ["n", 3, *SIZE])], "wide", to=TensorProto.FLOAT)
    model = converted(network(net.quantize(x, "q"), net), {"x": image("float16")})
    assert (ops(model)["ConvMaxPoolToIsland"], ops(model)["Cast"]) == (1, 0)


def test_a_scale_in_float16() -> None:
    net = Network()
    scale = net.constant("half_scale", np.array(0.05, np.float16))
    q = net.node("QuantizeLinear", [net.input("x", "float16", ["n", 3, *SIZE]), scale, net.zero], "q")
    model = converted(network(q, net), {"x": image("float16")}, opset=19)
    assert (ops(model)["ConvMaxPoolToIsland"], ops(model)["Cast"]) == (1, 0)


def rounded(net: Network, opset: int = 19) -> tuple[str, str]:
    """An image in float32 as ModelOpt lets it enter: rounded to float16, and quantized there."""
    half = net.node("Cast", [net.input("x", "float32", ["n", 3, *SIZE])], "half", to=TensorProto.FLOAT16)
    scale = net.constant("half_scale", np.array(0.05, np.float16))
    return half, net.node("QuantizeLinear", [half, scale, net.zero], "q")


def decided_by_rounding() -> Array:
    """float32, of which some have another quantum than in float16; tiny numbers and NaN among them."""
    x = image()
    steps = np.arange(x.size, dtype=np.float32).reshape(x.shape) % 7 - 3
    with np.errstate(over="ignore"):
        x = np.nextafter(x, x + steps).astype(np.float32)
        halves = x.astype(np.float16).astype(np.float32)
        quanta = [np.rint(each / np.float16(0.05).astype(np.float32)).clip(-128, 127) for each in (x, halves)]
    assert (quanta[0] != quanta[1]).sum() > 50
    return x


def test_an_image_that_is_rounded_to_float16() -> None:
    net = Network()
    model = converted(network(rounded(net)[1], net), {"x": decided_by_rounding()}, opset=19)
    assert (ops(model)["ConvMaxPoolToIsland"], ops(model)["Cast"]) == (1, 0)
    (node,) = [node for node in model.graph.node if node.op_type == "ConvMaxPoolToIsland"]
    (dtype,) = [attribute.i for attribute in node.attribute if attribute.name == "x_dtype"]
    assert (node.input[0], dtype) == ("x", TensorProto.FLOAT16)


def test_an_image_that_others_read_in_float16() -> None:
    net = Network()
    half, q = rounded(net)
    net.output(net.node("Neg", [half], "negative"), "float16", ["n", 3, *SIZE])
    model = converted(network(q, net), {"x": decided_by_rounding()}, opset=19)
    assert (ops(model)["ConvMaxPoolToIsland"], ops(model)["Cast"]) == (1, 1)
    (node,) = [node for node in model.graph.node if node.op_type == "ConvMaxPoolToIsland"]
    assert node.input[0] == half


def test_a_cast_from_another_type_stays() -> None:
    net = Network()
    x = net.node("Cast", [net.input("x", "int32", ["n", 3, *SIZE])], "wide", to=TensorProto.FLOAT)
    pixels = np.random.default_rng(0).integers(-9, 9, (2, 3, *SIZE)).astype(np.int32)
    model = converted(network(net.quantize(x, "q"), net), {"x": pixels})
    assert (ops(model)["ConvMaxPoolToIsland"], ops(model)["Cast"]) == (1, 1)


@pytest.mark.parametrize("channels", [1, 4])
def test_images_without_3_channels_enter_first(channels: int) -> None:
    net = Network()
    q = net.quantize(net.input("x", "float32", ["n", channels, *SIZE]), "q")
    found = ops(converted(network(q, net, channels=channels), {"x": image(channels=channels)}))
    assert (found["ConvMaxPoolToIsland"], found["QuantizeToIsland"], found["QConvMaxPool"]) == (0, 1, 1)


def test_a_quantized_image_that_others_read_enters_first() -> None:
    net = Network()
    q = net.quantize(net.input("x", "float32", ["n", 3, *SIZE]), "q")
    net.conv(q, net.unshaped_output("z", "uint8"), 3, 16, 7)
    found = ops(converted(network(q, net), {"x": image()}))
    assert (found["ConvMaxPoolToIsland"], found["QuantizeToIsland"], found["QConvMaxPool"]) == (0, 1, 1)


def test_images_of_8_bits_enter_first() -> None:
    net = Network()
    found = ops(
        converted(network(net.eight_bit_input(["n", 3, *SIZE]), net), {"x": net.random((2, 3, *SIZE))})
    )
    assert (found["ConvMaxPoolToIsland"], found["ConvertToIsland"], found["QConvMaxPool"]) == (0, 1, 1)
