"""Tensors in float32 that are rounded to float16 before they are quantized."""

from collections import Counter

import numpy as np
import onnx
import pytest
from networks import Network
from onnx import TensorProto

from cases.border import decisive
from cases.builder import Array
from check import assert_equivalent
from qudnn import converter

SHAPE = (2, 20, 9, 8)
SCALE = np.float16(0.05)


def numbers() -> Array:
    """Of which some have another quantum in float32 than in float16.

    Where a quotient is 2^31 or more, or NaN, onnxruntime's conversion overflows (docs/accuracy.md).
    """
    x: Array = np.nan_to_num(decisive(np.float32(SCALE), SHAPE)).clip(-6e4, 6e4)
    steps = np.arange(x.size, dtype=np.float32).reshape(SHAPE) % 7 - 3
    with np.errstate(over="ignore"):
        x = np.nextafter(x, x + steps).astype(np.float32)
        halves = x.astype(np.float16).astype(np.float32)
        quanta = [np.rint(each / np.float32(SCALE)).clip(-128, 127) for each in (x, halves)]
    assert (quanta[0] != quanta[1]).sum() > 50
    return x


def rounded(net: Network, dtype: int = TensorProto.FLOAT16) -> str:
    x = net.input("x", "float32", ["n", *SHAPE[1:]])
    return net.node("Cast", [x], "half", to=dtype)


def quantized(net: Network, half: str, **of_conv: list[int]) -> str:
    """As ModelOpt has it: QuantizeLinear with a scale in float16, and a convolution."""
    q = net.node("QuantizeLinear", [half, net.constant("half_scale", np.array(SCALE)), net.zero], "q")
    return net.conv(q, net.unshaped_output("y", "uint8"), SHAPE[1], 16, 3 if of_conv else 1, **of_conv)


def converted(net: Network) -> tuple[onnx.ModelProto, Counter[str]]:
    """The model, once it is known to compute the same."""
    model = net.model(19)
    conversion = converter.convert(model)
    result = conversion.model
    assert (conversion.report.entries, conversion.report.exits) == (1, 1)
    assert_equivalent(model, result, [{"x": numbers()}])
    return result, Counter(node.op_type for node in result.graph.node)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_the_casts_go_away(dtype: str) -> None:
    net = Network(dtype)
    q = net.node("QuantizeLinear", [rounded(net), net.constant("half_scale", np.array(SCALE)), net.zero], "q")
    net.conv(q, net.unshaped_output("y", dtype), SHAPE[1], 16)
    model, found = converted(net)
    assert (found["QuantizeHalfToIsland"], found["Cast"], found["QuantizeToIsland"]) == (1, 0, 0)
    (node,) = [node for node in model.graph.node if node.op_type == "QuantizeHalfToIsland"]
    assert node.input == ["x"]


def test_padding_is_written_with_it() -> None:
    net = Network()
    quantized(net, rounded(net), pads=[1, 1, 1, 1])
    model, found = converted(net)
    assert (found["QuantizeHalfToIsland"], found["Cast"]) == (1, 0)
    (node,) = [node for node in model.graph.node if node.op_type == "QuantizeHalfToIsland"]
    (pads,) = [list(attribute.ints) for attribute in node.attribute if attribute.name == "pads"]
    assert pads == [0, 1, 1, 0, 0, 1, 1, 12]


def test_what_others_read_in_float16_stays() -> None:
    net = Network()
    half = rounded(net)
    net.output(net.node("Neg", [half], "negative"), "float16", ["n", *SHAPE[1:]])
    quantized(net, half)
    _, found = converted(net)
    assert (found["QuantizeHalfToIsland"], found["QuantizeToIsland"], found["Cast"]) == (0, 1, 2)


def test_a_model_s_input_in_float16_is_not_rounded() -> None:
    net = Network()
    quantized(net, net.input("x", "float16", ["n", *SHAPE[1:]]))
    model = net.model(19)
    found = Counter(node.op_type for node in converter.convert(model).model.graph.node)
    assert (found["QuantizeHalfToIsland"], found["QuantizeToIsland"], found["Cast"]) == (0, 1, 1)


def test_casts_by_another_type_stay() -> None:
    net = Network()
    whole = net.node("Cast", [rounded(net, TensorProto.INT32)], "whole", to=TensorProto.FLOAT)
    net.conv(net.quantize(whole, "q"), net.unshaped_output("y", "uint8"), SHAPE[1], 16)
    found = Counter(node.op_type for node in converter.convert(net.model(19)).model.graph.node)
    assert (found["QuantizeHalfToIsland"], found["Cast"]) == (0, 2)
