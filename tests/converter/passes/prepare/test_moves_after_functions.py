"""Reshape and the like between functions in floating point, as QOperator models of hybrids have them."""

import pytest
from operators import Operators, assert_inside, assert_left

from qudnn import converter
from session import assert_same_bits, open_session, outputs

INPUTS = [(2, 9, 20), (1, 9, 20)]


def rows(net: Operators) -> str:
    """A matmul's rows, dequantized and normalized: float32 `[n * 9, 20]`."""
    x = net.matmul(net.eight_bit("x", ["n", 9, 20]), "a", 20, 20)
    x = net.node("Flatten", [x], "rows", axis=2)
    x = net.node("DequantizeLinear", [x, *net.quantization("qrows")], "rows_float")
    names = [net.constant(f"bn_{i}", net.rng.uniform(0.5, 2, 20), "float32") for i in range(4)]
    return net.node("BatchNormalization", [x, *names], "bn")


def quantized(net: Operators, x: str, y: str) -> str:
    return net.node("QuantizeLinear", [x, *net.quantization(f"q{y}")], y)


def reshaped(net: Operators, x: str, y: str) -> str:
    return net.node("Reshape", [x, net.constant(f"{y}_to", [-1, 9, 20], "int64")], y)


def test_quantized_at_once() -> None:
    """The QuantizeLinear goes past the Reshape."""
    net = Operators("uint8")
    x = quantized(net, reshaped(net, rows(net), "r"), "q")
    net.matmul(x, net.result("y", 3), 20, 7)
    ops = {"QMatMul": 2, "QTable": 1, "Reshape": 2}
    assert_inside(net, ops, *({"x": net.random(*shape)} for shape in INPUTS))


def test_hard_swish_after_it() -> None:
    net = Operators("uint8")
    x = reshaped(net, rows(net), "r")
    x = net.node("Mul", [x, net.node("HardSigmoid", [x], "gate", alpha=1 / 6)], "swish")
    net.matmul(quantized(net, x, "q"), net.result("y", 3), 20, 7)
    ops = {"QMatMul": 2, "QTable": 1, "Reshape": 2}
    assert_inside(net, ops, *({"x": net.random(*shape)} for shape in INPUTS))


def test_several_results_are_quantized() -> None:
    """As a QLinearMul of both leaves them: each is a table of its own."""
    net = Operators("uint8")
    x = reshaped(net, rows(net), "r")
    gate = quantized(net, net.node("HardSigmoid", [x], "gate", alpha=1 / 6), "qg")
    pair = [quantized(net, x, "qx"), "qqx_scale", "qqx_zero_point", gate, "qqg_scale", "qqg_zero_point"]
    x = net.contrib("QLinearMul", [*pair, *net.quantization("product", 2)], "product")
    net.matmul(x, net.result("y", 3), 20, 7)
    ops = {"QMatMul": 2, "QTable": 2, "QMul": 1, "Reshape": 3}
    assert_inside(net, ops, *({"x": net.random(*shape)} for shape in INPUTS))


@pytest.mark.parametrize("op_type", ["Add", "Relu"])
def test_what_would_become_an_integer_operator_stays(op_type: str) -> None:
    """Add -> Reshape -> Relu -> QuantizeLinear is float32 to onnxruntime, without the Reshape it is not."""
    net = Operators("uint8")
    x = net.node("DequantizeLinear", [net.eight_bit("x", ["n", 9, 20]), *net.quantization("qx")], "float")
    x = net.node("Add", [x, x], "sum")
    x = net.node("Relu", [x], "relu") if op_type == "Relu" else x
    x = net.node("Reshape", [x, net.constant("to", [-1, 20], "int64")], "r")
    x = quantized(net, net.node("Relu", [x], "again"), "q")
    net.matmul(x, net.result("y", 2), 20, 7)
    model = net.model(13)
    conversion = converter.convert(model)
    assert conversion.report.converted["QMatMul"] == 1
    for shape in INPUTS:
        feed = {"x": net.random(*shape)}
        assert_same_bits(*(outputs(open_session(m), feed) for m in (conversion.model, model)))


def test_other_consumers_keep_it_where_it_is() -> None:
    net = Operators("uint8")
    x = reshaped(net, rows(net), "r")
    net.matmul(quantized(net, net.node("Relu", [x], "relu"), "q"), net.result("y", 3), 20, 7)
    net.node("Softmax", [x], net.output("z", "float32", ["z0", 9, 20]))
    assert_left(net, "Reshape", "it works in floating point", {"x": net.random(2, 9, 20)})
