"""Convolutions that add what is added to their results."""

from collections import Counter

import onnx
import pytest
from networks import Network

from check import assert_equivalent
from qudnn import converter

SIZE = (13, 12)


def fused(net: Network) -> tuple[Counter[str], onnx.ModelProto]:
    """How many ops of each kind the converted model has, once it is known to compute the same."""
    model = net.model(13)
    converted = converter.convert(model).model
    assert_equivalent(model, converted, [{"x": net.random((batch, 16, *SIZE))} for batch in (2, 1)])
    return Counter(node.op_type for node in converted.graph.node), converted


def image(net: Network) -> str:
    return net.eight_bit_input(["n", 16, *SIZE])


def result_first(model: onnx.ModelProto) -> dict[str, int]:
    return {
        node.name: attribute.i
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "result_first"
    }


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("size", [1, 3])
def test_either_operand(dtype: str, size: int, first: bool) -> None:
    net = Network(dtype)
    x = image(net)
    c = net.conv(x, "c", 16, 16, size, pads=[size // 2] * 4)
    net.add(*((c, x) if first else (x, c)), net.unshaped_output("y", dtype))
    ops, model = fused(net)
    assert (ops["QConvAdd"], ops["QConv"], ops["QAdd"]) == (1, 0, 0)
    assert result_first(model) == {"c_node": int(first)}


def test_a_block_whose_shortcut_is_a_convolution() -> None:
    """The later one adds: it needs the other's result, not the other way round."""
    net = Network()
    x = image(net)
    late = net.conv(net.conv(x, "a", 16, 32), "b", 32, 16, 3, pads=[1, 1, 1, 1])
    short = net.conv(x, "s", 16, 16)
    net.add(late, short, net.unshaped_output("y", "uint8"))
    ops, model = fused(net)
    assert (ops["QConvAdd"], ops["QConv"], ops["QAdd"]) == (1, 2, 0)
    assert result_first(model) == {"s_node": 0}


def test_the_last_convolution_of_a_block_adds() -> None:
    """Before that of the shortcut, though this comes later: all of it may be one kernel then."""
    net = Network()
    x = image(net)
    reduced = net.conv(net.conv(x, "first", 16, 64), "reduced", 64, 64)
    last = net.conv(net.conv(reduced, "window", 64, 64, 3, pads=[1, 1, 1, 1]), "last", 64, 256)
    net.add(last, net.conv(x, "short", 16, 256), net.unshaped_output("y", "uint8"))
    ops, model = fused(net)
    assert (ops["QBottleneckAdd"], ops["QConvAdd"], ops["QConv"], ops["QAdd"]) == (1, 0, 2, 0)
    assert result_first(model) == {"last_node": 1}


def test_sums_that_are_added_again() -> None:
    net = Network()
    t = image(net)
    for i in range(3):
        t = net.add(net.conv(t, f"c{i}", 16, 16, 3, pads=[1, 1, 1, 1]), t, f"t{i}")
    net.average(t, net.unshaped_output("y", "uint8"))
    ops, _ = fused(net)
    assert (ops["QConvAdd"], ops["QConv"], ops["QAdd"]) == (3, 0, 0)


def test_results_that_others_need() -> None:
    """One is read twice, one is a result of the model."""
    net = Network()
    x = image(net)
    a = net.conv(x, "a", 16, 16)
    b = net.conv(x, net.unshaped_output("b", "uint8"), 16, 16)
    net.add(a, x, net.unshaped_output("y", "uint8"))
    net.conv(a, net.unshaped_output("z", "uint8"), 16, 16)
    net.add(b, x, net.unshaped_output("u", "uint8"))
    ops, _ = fused(net)
    assert (ops["QConvAdd"], ops["QAdd"]) == (0, 2)


def test_groups_and_broadcasts_stay_apart() -> None:
    net = Network()
    x = image(net)
    net.add(net.conv(x, "g", 16, 16, group=16), x, net.unshaped_output("y", "uint8"))
    net.add(net.conv(x, "c", 16, 16), net.average(x, "m"), net.unshaped_output("z", "uint8"))
    ops, _ = fused(net)
    assert (ops["QConvAdd"], ops["QAdd"]) == (0, 2)


def test_sums_that_may_be_huge() -> None:
    """Their rounding needs the addition's own kernel."""
    net = Network()
    net.quantized = [net.constant("coarse", 1e9, "float32"), net.zero]
    x = image(net)
    c = net.conv(x, "c", 16, 16)
    net.quantized = [net.constant("fine", 1e-3, "float32"), net.zero]
    coarse = ["coarse", net.zero]
    y = net.unshaped_output("y", "uint8")
    net.node("QLinearAdd", [c, *coarse, x, *coarse, *net.quantized], y, "com.microsoft")
    ops, _ = fused(net)
    assert (ops["QConvAdd"], ops["QAdd"]) == (0, 1)
