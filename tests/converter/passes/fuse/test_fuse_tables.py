"""Functions of one tensor, one after the other: one table, with the bits of all of them."""

from collections.abc import Callable

import numpy as np
import pytest
from networks import Network
from qdq_networks import QdqNetwork, assert_converts, normal

import check
from qudnn import converter

DTYPES = pytest.mark.parametrize("dtype", ["uint8", "int8"])


def biased(net: QdqNetwork, x: str, channels: int, name: str) -> str:
    """x plus a quantized constant for each channel, requantized."""
    b = net.weights(f"{name}_b", (channels,), dtype=net.dtype, zero_point=9)
    return net.pair(net.node("Add", [x, b], name), f"{name}_q", 0.061, 117)


def biased_and_looked_up(dtype: str) -> dict[str, int]:
    """The matmul adds the bias and looks up. int8 sums are of float32: they and what follows are a table."""
    return {"QMatMulAddTable": 1} if dtype == "uint8" else {"QMatMul": 1, "QTable": 1}


@DTYPES
def test_a_bias_and_the_function_after_it(dtype: str) -> None:
    net = QdqNetwork(dtype)
    y = net.node("MatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 21), 1)], "m")
    y = biased(net, net.pair(y, "m_q", 0.05, 140), 21, "a")
    net.y(net.node("Gelu", [y], "g"), rank=3)
    assert_converts(net.model(20), biased_and_looked_up(dtype), (7, 20))


@DTYPES
def test_a_bias_and_a_function_in_parts(dtype: str) -> None:
    """What is biased is read twice, until the parts are one table."""
    net = QdqNetwork(dtype)
    y = net.node("MatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 21), 1)], "m")
    y = biased(net, net.pair(y, "m_q", 0.05, 140), 21, "a")
    gate = net.pair(net.node("Sigmoid", [y], "s"), "s_q", 0.0039, 2)
    net.y(net.node("Mul", [y, gate], "silu"), rank=3)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == biased_and_looked_up(dtype)
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 7, 20)}])


def test_a_bias_and_a_factor_of_each_channel() -> None:
    """Both are one table for each channel: one pass, where the matmul's addition would leave the factor."""
    net = QdqNetwork()
    y = net.node("MatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 21), 1)], "m")
    y = biased(net, net.pair(y, "m_q", 0.05, 140), 21, "a")
    factor = net.weights("f", (21,), dtype="uint8", zero_point=3)
    net.y(net.node("Mul", [y, factor], "scaled"), rank=3)
    assert_converts(net.model(), {"QMatMul": 1, "QTable": 1}, (7, 20))


def test_a_bias_that_others_read_and_the_function_after_it() -> None:
    """The table stays one for all channels, and the matmul adds what both read."""
    net = QdqNetwork()
    y = net.node("MatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 21), 1)], "m")
    y = biased(net, net.pair(y, "m_q", 0.05, 140), 21, "a")
    net.y(net.node("Sigmoid", [y], "s"), rank=3)
    net.y(net.node("MatMul", [y, net.weights("w2", (21, 20), 1)], "n"), rank=3)
    assert_converts(net.model(), {"QMatMulAdd": 1, "QMatMul": 1, "QTable": 1}, (7, 20))


def test_a_bias_alone_stays() -> None:
    net = QdqNetwork()
    net.y(
        net.node("Add", [net.x(("n", 7, 20)), net.weights("b", (20,), dtype="uint8", zero_point=3)], "a"),
        rank=3,
    )
    assert_converts(net.model(), {"QAdd": 1}, (7, 20))


def test_a_factor_alone() -> None:
    net = QdqNetwork()
    net.y(net.node("Mul", [net.x(), net.weights("f", (), dtype="uint8", zero_point=3)], "m"))
    assert_converts(net.model(), {"QTable": 1})


@DTYPES
def test_gelu_in_parts(dtype: str) -> None:
    """x * 0.5 * (1 + erf(x / sqrt(2))), as exporters write it, each step quantized."""
    net = QdqNetwork(dtype)
    x = net.x(("n", 7, 20))
    y = net.node("Div", [x, net.constant("root", np.sqrt(2), "float32")], "d")
    y = net.pair(net.node("Erf", [y], "e"), "e_q", 0.0079, 127)
    one = net.weights("one", (), dtype=dtype, zero_point=2)
    y = net.pair(net.node("Add", [y, one], "a"), "a_q", 0.0157, 12)
    y = net.pair(net.node("Mul", [x, y], "m"), "m_q", 0.0921, 20)
    net.y(net.node("Mul", [y, net.weights("half", (), dtype=dtype, zero_point=5)], "h"), rank=3)
    assert_converts(net.model(), {"QTable": 1}, (7, 20))


def test_nan_is_replaced() -> None:
    """As exporters write it after a softmax over rows that may be masked as a whole."""
    net = QdqNetwork()
    x = net.x()
    y = net.node("Where", [net.node("IsNaN", [x], "n"), net.constant("zero", 0.0, "float32"), x], "w")
    net.y(y)
    assert_converts(net.model(), {"QTable": 1})


def two_consumers(net: QdqNetwork, x: str) -> str:
    y = net.pair(net.node("Sigmoid", [x], "s"), "s_q", 0.0039, 2)
    net.y(net.node("Tanh", [y], "t"))
    return net.node("Exp", [y], "e")


def two_tensors(net: QdqNetwork, x: str) -> str:
    z = net.pair(net.node("Sigmoid", [net.x(name="z")], "s"), "s_q", 0.0039, 2)
    return net.node("Mul", [x, z], "m")


def another_shape(net: QdqNetwork, x: str) -> str:
    """The constant makes the result larger than x."""
    b = net.weights("b", (2, 1, 1, 1, 1), dtype="uint8", zero_point=3)
    return net.node("Add", [net.pair(net.node("Sigmoid", [x], "s"), "s_q", 0.0039, 2), b], "a")


@pytest.mark.parametrize(
    ("build", "ops"), [(two_consumers, {"QTable": 3}), (two_tensors, {"QTable": 1, "QMul": 1})]
)
def test_others_keep_their_ops(build: Callable[[QdqNetwork, str], str], ops: dict[str, int]) -> None:
    net = QdqNetwork()
    net.y(build(net, net.x()))
    assert_converts(net.model(), ops)


def test_a_constant_that_makes_its_tensor_larger() -> None:
    net = QdqNetwork()
    net.y(another_shape(net, net.x()), rank=5)
    conversion = converter.convert(net.model())
    check.assert_equivalent(net.model(), conversion.model, [{"x": np.ones((1, 4, 9, 8), np.float32)}])


def test_a_function_of_what_is_fused_itself() -> None:
    """x + x twice, the first sum read elsewhere too: a table that alone reads the first one."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 16)
    once = net.add(x, x, "a")
    twice = net.add(once, once, "b")
    net.add(once, twice, net.unshaped_output("y", "uint8"))
    conversion = converter.convert(net.model(13))
    assert conversion.report.converted == {"QConvTable": 1}
    check.assert_equivalent(net.model(13), conversion.model, [{"x": net.random((2, 3, 8, 8))}])
