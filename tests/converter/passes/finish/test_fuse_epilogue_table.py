"""Convolutions and matmuls that look up their results."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from networks import Network
from qdq_networks import SCALE, QdqNetwork, normal

from cases.builder import MICROSOFT
from check import assert_equivalent
from qudnn import converter

SIZE = (13, 12)
Fused = tuple[Counter[str], onnx.ModelProto]


def fused(net: Network, *shape: int) -> Fused:
    """How many ops of each kind the converted model has, once it is known to compute the same."""
    model = net.model(13)
    converted = converter.convert(model).model
    onnx.checker.check_model(converted, full_check=False)
    assert_equivalent(model, converted, [{"x": net.random((batch, *shape))} for batch in (2, 1)])
    return Counter(node.op_type for node in converted.graph.node), converted


def image(net: Network) -> str:
    return net.eight_bit_input(["n", 16, *SIZE])


def table(net: Network, x: str, y: str) -> str:
    return net.node("QLinearLeakyRelu", [x, *net.quantized, *net.quantized], y, MICROSOFT, alpha=0.3)


def output(net: Network, name: str = "y", rank: int = 4) -> str:
    return net.unshaped_output(name, net.dtype, rank)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(("k", "side", "stride", "group"), [
    (16, 1, 1, 1), (24, 3, 1, 1), (16, 3, 2, 1), (16, 3, 1, 16), (16, 5, 2, 16), (16, 3, 1, 2), (20, 1, 1, 1),
])  # fmt: skip
def test_of_a_convolution(k: int, side: int, stride: int, group: int, dtype: str) -> None:
    net = Network(dtype)
    c = net.conv(image(net), "c", 16, k, side, strides=[stride] * 2, pads=[side // 2] * 4, group=group)
    table(net, c, output(net))
    ops, model = fused(net, 16, *SIZE)
    assert (ops["QConvTable"], ops["QConv"], ops["QTable"]) == (1, 0, 0)
    (node,) = [node for node in model.graph.node if node.op_type == "QConvTable"]
    assert node.name == "c_node" and len(node.input) == 5


def test_of_a_stem() -> None:
    net = Network()
    c = net.conv(net.eight_bit_input(["n", 3, *SIZE]), "c", 3, 16, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    table(net, c, output(net))
    ops, _ = fused(net, 3, *SIZE)
    assert (ops["QConvTable"], ops["QConv"], ops["QTable"]) == (1, 0, 0)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("rows", [(), (7,)])
def test_of_a_matmul(rows: tuple[int, ...], dtype: str) -> None:
    net = Network(dtype)
    m = net.matmul(net.eight_bit_input(["n", *rows, 20]), "m", 20, 40)
    net.matmul(table(net, m, "t"), output(net, rank=2 + len(rows)), 40, 16)
    ops, _ = fused(net, *rows, 20)
    assert (ops["QMatMulTable"], ops["QMatMul"], ops["QTable"]) == (1, 1, 0)


def test_each_looks_up_for_itself() -> None:
    """In a row, with a table of a table and with additions between, which have tables of their own behind."""
    net = Network()
    x = image(net)
    for i in range(3):
        c = table(net, net.conv(x, f"c{i}", 16, 16, 3, pads=[1, 1, 1, 1]), f"t{i}")
        x = table(net, net.add(table(net, c, f"u{i}"), x, f"a{i}"), f"v{i}")
    net.conv(x, output(net), 16, 16)
    ops, _ = fused(net, 16, *SIZE)
    assert (ops["QConvTable"], ops["QConvAdd"], ops["QAdd"], ops["QTable"]) == (3, 0, 3, 3)
    assert ops["QConv"] == 1


def test_results_that_others_need() -> None:
    """One is read twice, one is a result of the model."""
    net = Network()
    x = image(net)
    a = net.conv(x, "a", 16, 16)
    table(net, a, output(net))
    net.conv(a, output(net, "z"), 16, 16)
    table(net, net.conv(x, output(net, "b"), 16, 16), output(net, "u"))
    ops, _ = fused(net, 16, *SIZE)
    assert (ops["QConvTable"], ops["QTable"]) == (0, 2)


def test_additions_are_fused_as_before() -> None:
    """A convolution adds what another looks up."""
    net = Network()
    x = image(net)
    t = table(net, net.conv(x, "c", 16, 16), "t")
    net.add(net.conv(t, "d", 16, 16), t, output(net))
    ops, _ = fused(net, 16, *SIZE)
    assert (ops["QConvTable"], ops["QConvAdd"], ops["QTable"], ops["QAdd"]) == (1, 1, 0, 0)


def test_a_table_for_each_channel_stays() -> None:
    net = QdqNetwork()
    c = net.pair(net.conv(net.x()), "c_q", SCALE, 119)
    slopes = net.constant("slopes", np.linspace(0.1, 0.9, 6).reshape(6, 1, 1), "float32")
    net.y(net.node("PRelu", [c, slopes], "p"))
    conversion = converter.convert(net.model(), explain=True)
    assert conversion.report.converted == {"QConv": 1, "QTable": 1}
    (decline,) = [each for each in conversion.report.declined if each.step == "FuseEpilogueTable"]
    assert decline.reason == "it has a table for each channel"


def silu(net: QdqNetwork, x: str) -> str:
    return net.node("Mul", [x, net.pair(net.node("Sigmoid", [x], "gate"), "gate_q", 0.004, 0)], "silu")


def hard_swish(net: QdqNetwork, x: str) -> str:
    return net.node("HardSwish", [x], "swish")


def sigmoid(net: QdqNetwork, x: str) -> str:
    return net.node("Sigmoid", [x], "sigmoid")


@pytest.mark.parametrize(("function", "dtype"), [
    (silu, "uint8"), (hard_swish, "uint8"), (sigmoid, "uint8"), (hard_swish, "int8"), (sigmoid, "int8"),
])  # fmt: skip
def test_functions_between_pairs(function: Callable[[QdqNetwork, str], str], dtype: str) -> None:
    net = QdqNetwork(dtype)
    net.y(function(net, net.pair(net.conv(net.x()), "c_q", 0.07, 119)), scale=0.031)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConvTable": 1}
    assert not conversion.report.approximate
    assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_gelu_of_a_matmul() -> None:
    net = QdqNetwork()
    x = net.pair(net.input("x", "float32", ["n", 5, 20]), "x_q", SCALE, 119)
    m = net.pair(net.node("MatMul", [x, net.weights("w", (20, 24))], "m"), "m_q", 0.09, 125)
    half = net.node("Mul", [m, net.constant("half", 0.5, "float32")], "half_of_it")
    root = net.node("Div", [m, net.constant("root", 2**0.5, "float32")], "divided")
    one = net.node("Add", [net.node("Erf", [root], "erf"), net.constant("one", 1, "float32")], "added")
    net.y(net.node("Mul", [half, one], "gelu"), scale=0.05, zero_point=5, rank=3)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QMatMulTable": 1}
    assert_equivalent(model, conversion.model, [{"x": normal(3, 5, 20)}])
