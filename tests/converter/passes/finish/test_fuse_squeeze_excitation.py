"""Blocks that multiply channels with gates computed of their means."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from networks import Network

from cases.builder import MICROSOFT
from check import assert_equivalent, assert_same_on_gpu
from qudnn import converter
from session import open_session, outputs

OP = "QSqueezeExcitation"
SIZE = (9, 8)


def scaled(net: Network, name: str, scale: float, zero_point: int) -> list[str]:
    """The parameters of another tensor, named after it."""
    name = f"{name}_scale"
    return [net.constant(name, scale, "float32"), net.constant(f"{name}_zero", zero_point, net.dtype)]


def sigmoid(net: Network, x: str, y: str) -> str:
    return net.node("QLinearSigmoid", [x, *net.quantized, *net.quantized], y, MICROSOFT)


def product(net: Network, a: str, b: str, y: str) -> str:
    parameters = [net.quantized, net.quantized, scaled(net, y, 0.03, net.zero_point)]
    return net.node("QLinearMul", [a, *parameters[0], b, *parameters[1], *parameters[2]], y, MICROSOFT)


def gates(net: Network, x: str, *, tables: tuple[bool, bool] = (True, True), **of_conv: Any) -> str:
    """The gates of 32 channels."""
    t = net.average(x, "mean")
    for number, (name, c, k) in enumerate((("squeeze", 32, 16), ("excite", 16, 32))):
        t = net.conv(t, name, c, k, **of_conv)
        if tables[number]:
            t = sigmoid(net, t, f"{name}_function")
    return t


def start(dtype: str = "uint8") -> tuple[Network, str]:
    """Of a network whose block has a convolution in front of it."""
    net = Network(dtype)
    return net, net.conv(net.eight_bit_input(["n", 16, *SIZE]), "c", 16, 32)


def converted(net: Network) -> onnx.ModelProto:
    """The converted model, once it is known to compute the same."""
    model = net.model(13)
    result = converter.convert(model).model
    assert_equivalent(model, result, inputs(net))
    return result


def inputs(net: Network) -> list[dict[str, Any]]:
    """Channels with means of their own."""
    center = net.random((3, 16, 1, 1)).astype(int)
    all_of = {"uint8": (0, 255), "int8": (-128, 127)}[net.dtype]
    x = (center + net.random((3, 16, *SIZE)) // 4).clip(*all_of).astype(net.dtype)
    return [{"x": x}, {"x": x[:1]}]


def ops(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize("gates_first", [True, False])
@pytest.mark.parametrize("tables", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_block_is_one_op(dtype: str, tables: tuple[bool, bool], gates_first: bool) -> None:
    net, x = start(dtype)
    g = gates(net, x, tables=tables)
    y = product(net, g, x, "m") if gates_first else product(net, x, g, "m")
    net.conv(y, net.unshaped_output("y", dtype), 32, 16)
    model = converted(net)
    found = ops(model)
    assert (found[OP], found["QConv"]) == (1, 2)
    assert not {"QGlobalAveragePool", "QTable", "QMul"} & {*found}
    onnx.checker.check_model(model, full_check=False)
    (node,) = [node for node in model.graph.node if node.op_type == OP]
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    assert [shapes[name] for name in node.input[1:]] == [
        [16, 1, 1, 32], [16], [16], [256], [32, 1, 1, 16], [32], [32], [256]
    ]  # fmt: skip
    assert sum(name.endswith("/identity") for name in shapes) == (tables != (True, True))


def test_tensors_with_parameters_of_their_own() -> None:
    """Each operand goes with its own scale and zero point, whichever order they come in."""
    for gates_first in (True, False):
        net, x = start()
        excited, of_gates = gates(net, x, tables=(True, False)), scaled(net, "g", 1 / 256, 0)
        g = net.node("QLinearSigmoid", [excited, *net.quantized, *of_gates], "g", MICROSOFT)
        operands = [[g, *of_gates], [x, *net.quantized]]
        a, b = operands if gates_first else operands[::-1]
        y = net.unshaped_output("y", "uint8")
        net.node("QLinearMul", [*a, *b, *scaled(net, "y", 0.031, 77)], y, MICROSOFT)
        model = converted(net)
        (node,) = [node for node in model.graph.node if node.op_type == OP]
        given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        assert (given["b_zero_point"], given["a_zero_point"], given["y_zero_point"]) == (0, 121, 77)
        assert given["b_scale"] == pytest.approx(1 / 256)


def test_padding_stays_with_the_next_convolution() -> None:
    net, x = start()
    y = product(net, gates(net, x), x, "m")
    net.conv(y, net.unshaped_output("y", "uint8"), 32, 16, 3, pads=[1, 1, 1, 1])
    assert ops(converted(net))[OP] == 1


def test_one_after_the_other() -> None:
    net, x = start()
    for number in range(2):
        t = net.average(x, f"mean{number}")
        t = net.conv(t, f"squeeze{number}", 32, 16)
        t = net.conv(t, f"excite{number}", 16, 32)
        x = product(net, t, x, f"m{number}")
    net.conv(x, net.unshaped_output("y", "uint8"), 32, 16)
    model = converted(net)
    assert ops(model)[OP] == 2
    identities = [tensor for tensor in model.graph.initializer if tensor.name.endswith("/identity")]
    assert len(identities) == 1


def apart(net: Network, reason: str) -> None:
    """The block stays several operators, and the report can say why."""
    model = net.model(13)
    conversion = converter.convert(model, explain=True)
    found = ops(conversion.model)
    assert found[OP] == 0 and found["QGlobalAveragePool"] and found["QMul"], found
    assert reason in str(conversion.report)
    assert_equivalent(model, conversion.model, inputs(net))


def test_another_tensor_than_the_means() -> None:
    net, x = start()
    other = net.conv("x", "other", 16, 32)
    product(net, gates(net, x), other, net.unshaped_output("y", "uint8"))
    apart(net, "its other operand is not what the mean is of")


@pytest.mark.parametrize("which", ["mean", "squeeze", "squeeze_function", "excite", "excite_function"])
def test_what_others_read(which: str) -> None:
    net, x = start()
    product(net, gates(net, x), x, net.unshaped_output("y", "uint8"))
    c = 16 if which.startswith("squeeze") else 32
    net.conv(which, net.unshaped_output("z", "uint8"), c, 16)
    apart(net, "other operators read the means, or what is computed of them")


def test_groups() -> None:
    net, x = start()
    t = net.conv(net.average(x, "mean"), "squeeze", 32, 32, group=2)
    t = net.conv(t, "excite", 32, 32)
    product(net, t, x, net.unshaped_output("y", "uint8"))
    apart(net, "a convolution of the means has groups")


def test_a_window_in_padding() -> None:
    net, x = start()
    t = net.conv(net.average(x, "mean"), "squeeze", 32, 16, 3, pads=[1, 1, 1, 1])
    t = net.conv(t, "excite", 16, 32)
    product(net, t, x, net.unshaped_output("y", "uint8"))
    apart(net, "a convolution of the means is not a pointwise one")


def test_strides() -> None:
    net, x = start()
    t = net.conv(net.average(x, "mean"), "squeeze", 32, 16, strides=[2, 2])
    t = net.conv(t, "excite", 16, 32)
    product(net, t, x, net.unshaped_output("y", "uint8"))
    apart(net, "a convolution of the means has padding, or strides")


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_on_the_gpu(dtype: str) -> None:
    net, x = start(dtype)
    net.conv(product(net, gates(net, x), x, "m"), net.unshaped_output("y", dtype), 32, 16)
    model = converted(net)
    assert ops(model)[OP] == 1
    assert_same_on_gpu(model, inputs(net))


def test_results_differ() -> None:
    """The networks above show something."""
    net, x = start()
    product(net, gates(net, x), x, net.unshaped_output("y", "uint8"))
    (y,) = outputs(open_session(converted(net)), inputs(net)[0]).values()
    assert len(np.unique(y)) > 100
