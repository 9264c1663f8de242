"""Elementwise operators of two tensors, then a binary one -> QTableAdd and its like, with all bits."""

from typing import Any

import pytest
from operators import DTYPES, Operators, assert_inside, assert_left

import check
from qudnn import converter

CHANNELS = 21
OPS = {
    "Add": {"QTableAdd": 1},
    "Sub": {"QTableAdd": 1},
    "Sum": {"QTableAdd": 1},
    "Mul": {"QTableMul": 1},
    "Div": {"QTableDiv": 1},
    "Max": {"QTableAdd": 2},
    "Min": {"QTableAdd": 2},
}
FUNCTIONS: dict[str, dict[str, Any]] = {
    "Sigmoid": {},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.4},
    "Tanh": {},
    "Relu": {},
    "LeakyRelu": {"alpha": 0.1},
    "Erf": {},
    "Exp": {},
}


def dequantized(net: Operators, x: str) -> str:
    return net.node("DequantizeLinear", [x, *net.quantization(f"q{x}")], f"{x}_float")


def quantized(net: Operators, y: str, rank: int) -> None:
    net.node("QuantizeLinear", [y, *net.quantization("qy")], net.result("y", rank))


def widened(shape: tuple[int, ...]) -> dict[str, int]:
    """What makes several channels of one."""
    return {"Gather": 1} if shape[0] == 1 else {}


def in_order(first: bool, a: str, b: str) -> list[str]:
    return [a, b] if first else [b, a]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", OPS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_all_pairs(function: str, op_type: str, dtype: str) -> None:
    for seed, first in enumerate((True, False)):
        net = Operators(dtype, seed)
        x, s = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xs")
        f = net.node(function, [s], "f", **FUNCTIONS[function])
        quantized(net, net.node(op_type, in_order(first, x, f), "combined"), 2)
        values = dict(zip("xs", (v.reshape(-1, 16) for v in net.all_pairs()), strict=True))
        assert_inside(net, OPS[op_type], values, {name: v[:1] for name, v in values.items()})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["", "Relu", "Clip"])
@pytest.mark.parametrize(
    "shape", [(CHANNELS, 1, 1), (1, 1, 1), (CHANNELS, 9, 1), (1, 9, 8), (CHANNELS, 9, 8)]
)
def test_gates(shape: tuple[int, ...], activation: str, dtype: str) -> None:
    """As in squeeze-and-excitation, between convolutions: with channels last, and padded."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 5, 9, 8]), "c", 5, CHANNELS)
    gate = net.node("Sigmoid", [dequantized(net, net.eight_bit("s", ["n", *shape]))], "gate")
    y = net.node("Mul", [dequantized(net, x), gate], "gated")
    if activation:
        bounds = [net.constant(*bound, "float32") for bound in (("low", -0.2), ("high", 0.7))]
        y = net.node(activation, [y, *(bounds if activation == "Clip" else [])], "activated")
    y = net.node("QuantizeLinear", [y, *net.quantization("qy")], "quantized")
    net.conv(y, net.result("y", 4), CHANNELS, 6)
    inputs = [{"x": net.random(n, 5, 9, 8), "s": net.random(n, *shape)} for n in (2, 1)]
    assert_inside(net, {"QConv": 2, "QTableMul": 1} | widened(shape), *inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", ["float32", "int32", "uint8", "int8"])
@pytest.mark.parametrize("channels", [20, 7])
@pytest.mark.parametrize("first", [True, False])
def test_bias_and_residual(first: bool, channels: int, bias: str, dtype: str) -> None:
    """As after the matmuls of a transformer; what is added first decides how the sum is rounded."""
    net = Operators(dtype)
    x = dequantized(net, net.matmul(net.eight_bit("x", ["n", 6, 20]), "m", 20, channels))
    s = dequantized(net, net.eight_bit("s", ["n", 6, channels]))
    if bias == "float32":
        b = net.constant("b", net.rng.normal(0, 1, channels), bias)
    else:
        b = net.constant("b", net.rng.integers(0, 100, channels), bias)
        parameters = net.parameters("qb", 0.011, 0, bias)
        b = net.node("DequantizeLinear", [b, *parameters], "b_float")
    biased = net.node("Add", in_order(first, b, x), "biased")
    quantized(net, net.node("Add", in_order(first, biased, s), "total"), 3)
    inputs = [{"x": net.random(n, 6, 20), "s": net.random(n, 6, channels)} for n in (64, 1)]
    assert_inside(net, {"QMatMul": 1, "QTableAdd": 1}, *inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(CHANNELS, 9, 8), (CHANNELS, 1, 1), (1, 9, 8)])
def test_functions_of_channels_between_convolutions(shape: tuple[int, ...], dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 5, 9, 8]), "c", 5, CHANNELS)
    shift = net.constant("shift", net.rng.normal(0, 1, (CHANNELS, 1, 1)), "float32")
    slope = net.constant("slope", net.rng.uniform(-1, 1, (CHANNELS, 1, 1)), "float32")
    shifted = net.node("Add", [dequantized(net, x), shift], "shifted")
    f = net.node("PRelu", [shifted, slope], "f")
    s = dequantized(net, net.eight_bit("s", ["n", *shape]))
    y = net.node("QuantizeLinear", [net.node("Add", [f, s], "total"), *net.quantization("qy")], "quantized")
    net.conv(y, net.result("y", 4), CHANNELS, 6)
    inputs = [{"x": net.random(n, 5, 9, 8), "s": net.random(n, *shape)} for n in (2, 1)]
    assert_inside(net, {"QConv": 2, "QTableAdd": 1} | widened(shape), *inputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", OPS)
def test_functions_of_both_tensors(op_type: str, dtype: str) -> None:
    net = Operators(dtype)
    x, s = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xs")
    f, g = net.node("Relu", [x], "f"), net.node("Tanh", [s], "g")
    quantized(net, net.node(op_type, [f, g], "combined"), 2)
    values = dict(zip("xs", (v.reshape(-1, 16) for v in net.all_pairs()), strict=True))
    assert_inside(net, OPS[op_type], values)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize(("factor", "first"), [(0.5, True), (0.5, False), (4.0, False)])
def test_powers_of_two_after(factor: float, first: bool, op_type: str, dtype: str) -> None:
    """As in Gelu, where what it multiplies is quantized: x * (1 + erf) * 0.5."""
    net = Operators(dtype)
    x, s = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xs")
    y = net.node(op_type, [x, s], "combined")
    y = net.node("Mul", in_order(first, y, net.constant("factor", factor, "float32")), "scaled")
    quantized(net, y, 2)
    values = dict(zip("xs", (v.reshape(-1, 16) for v in net.all_pairs()), strict=True))
    assert_inside(net, OPS[op_type], values)


@pytest.mark.parametrize("factor", [0.3, -0.5, 2.0**40])
def test_other_factors_stay(factor: float) -> None:
    net = Operators("uint8")
    x, s = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xs")
    y = net.node("Mul", [net.node("Mul", [x, s], "m"), net.constant("f", factor, "float32")], "scaled")
    quantized(net, y, 2)
    model = net.model(13)
    conversion = converter.convert(model)
    reasons = {entry.name: entry.reason for entry in conversion.report.left}
    assert "factor" in reasons["scaled_node"] or "several" in reasons["scaled_node"]
    check.assert_equivalent(model, conversion.model, [{name: net.random(3, 16) for name in "xs"}])


@pytest.mark.parametrize("dtype", DTYPES)
def test_difference_of_two_tensors(dtype: str) -> None:
    net = Operators(dtype)
    x, s = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xs")
    quantized(net, net.node("Sub", [x, s], "difference"), 2)
    values = dict(zip("xs", (v.reshape(-1, 16) for v in net.all_pairs()), strict=True))
    assert_inside(net, {"QTableAdd": 1}, values)


@pytest.mark.parametrize("dtype", DTYPES)
def test_integer_operators_stay(dtype: str) -> None:
    """Where all is quantized, onnxruntime computes in integers, with other bits, if all has one type.

    Of int8 tensors the inputs stay int8, and what is between becomes uint8.
    """
    net = Operators(dtype)
    x, s = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xs")
    gate = net.node("QuantizeLinear", [net.node("Sigmoid", [s], "f"), *net.quantization("qf", 0.004)], "qs")
    gate = net.node("DequantizeLinear", [gate, "qf_scale", "qf_zero_point"], "gate")
    quantized(net, net.node("Mul", [x, gate], "gated"), 2)
    values = dict(zip("xs", (v.reshape(-1, 16) for v in net.all_pairs()), strict=True))
    assert_inside(net, {"QTable": 1, "QMul" if dtype == "uint8" else "QFloatMul": 1}, values)


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul"])
def test_one_tensor_needs_one_table(op_type: str) -> None:
    """Also where an activation follows."""
    net = Operators("uint8")
    x = dequantized(net, net.eight_bit("x", ["n", 16]))
    y = net.node(op_type, [x, net.node("Sigmoid", [x], "f")], "combined")
    quantized(net, net.node("Relu", [y], "activated"), 2)
    assert_inside(net, {"QTable": 1}, {"x": net.all_pairs()[0].reshape(-1, 16)})


def test_three_tensors_stay() -> None:
    net = Operators("uint8")
    x, s, t = (dequantized(net, net.eight_bit(name, ["n", 16])) for name in "xst")
    product = net.node("Mul", [x, net.node("Sigmoid", [s], "f")], "gated")
    quantized(net, net.node("Add", [product, t], "total"), 2)
    inputs = {name: net.random(3, 16) for name in "xst"}
    assert_left(net, "Add", "it combines several quantized tensors", inputs)


def test_a_constant_for_each_pixel_stays() -> None:
    net = Operators("uint8")
    x, s = (dequantized(net, net.eight_bit(name, ["n", 5, 4, 3])) for name in "xs")
    pixels = net.constant("pixels", net.rng.normal(0, 1, (4, 3)), "float32")
    shifted = net.node("Add", [x, pixels], "shifted")
    quantized(net, net.node("Mul", [shifted, s], "gated"), 4)
    inputs = {name: net.random(2, 5, 4, 3) for name in "xs"}
    assert_left(net, "Mul", "it has a constant that is not one element", inputs)
