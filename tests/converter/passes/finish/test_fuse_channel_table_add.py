"""Functions for each channel that add a tensor of their result's shape: layer scales and their shortcuts."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from networks import Network
from qdq_networks import QdqNetwork, assert_converts, normal

from cases.builder import MICROSOFT, Array, integers
from check import assert_equivalent, assert_same_on_gpu
from qudnn import converter
from session import open_session, outputs

OP = "QChannelTableAdd"
C, SIZE = 20, (9, 8)


def start(dtype: str = "uint8") -> tuple[Network, str]:
    """Of a network with a convolution, whose result has padded channels, before the shortcut."""
    net = Network(dtype)
    return net, net.conv(net.eight_bit_input(["n", 4, *SIZE]), "c", 4, C)


def scaled(net: Network, x: str, y: str, shape: tuple[int, ...] = (C, 1, 1), zero_point: int = 100) -> str:
    """x times a constant, by default of each channel."""
    factors = net.constant(f"{y}_factors", integers(net.rng, net.dtype, shape))
    finer = [
        net.constant(f"{y}_scale", 0.013, "float32"),
        net.constant(f"{y}_zero", zero_point, net.dtype),
    ]
    return net.node("QLinearMul", [x, *net.quantized, factors, *finer, *net.quantized], y, MICROSOFT)


def looked_up(net: Network, x: str, y: str) -> str:
    return net.node("QLinearLeakyRelu", [x, *net.quantized, *net.quantized], y, MICROSOFT, alpha=0.3)


def added(net: Network, a: str, b: str, y: str, first: bool = True) -> str:
    """Of other scales and zero points than the rest."""
    finer = [net.constant(f"{y}_finer", 0.031, "float32"), net.constant(f"{y}_zero_point", 111, net.dtype)]
    operands = [a, *net.quantized, b, *finer] if first else [b, *finer, a, *net.quantized]
    return net.node("QLinearAdd", [*operands, *net.quantized], y, MICROSOFT)


def inputs(net: Network) -> list[dict[str, Array]]:
    return [{"x": net.random((batch, 4, *SIZE))} for batch in (2, 1)]


def fused(net: Network) -> tuple[Counter[str], onnx.ModelProto]:
    """How many ops of each kind the converted model has, once it is known to compute the same."""
    model = net.model(13)
    converted = converter.convert(model).model
    onnx.checker.check_model(converted, full_check=False)
    assert_equivalent(model, converted, inputs(net))
    return Counter(node.op_type for node in converted.graph.node), converted


def declined(net: Network) -> list[str]:
    report = converter.convert(net.model(13), explain=True).report
    return [each.reason for each in report.declined if each.step == "FuseChannelTableAdd"]


def the_op(model: onnx.ModelProto) -> onnx.NodeProto:
    node: onnx.NodeProto
    (node,) = [each for each in model.graph.node if each.op_type == OP]
    return node


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("looks_up", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_either_operand(dtype: str, looks_up: bool, first: bool) -> None:
    """A function in two steps, which is a table before, and a product alone, which becomes one."""
    net, x = start(dtype)
    t = scaled(net, net.conv(x, "branch", C, C), "t")
    t = looked_up(net, t, "function") if looks_up else t
    added(net, t, x, net.unshaped_output("y", dtype), first)
    ops, model = fused(net)
    assert (ops[OP], ops["QTable"], ops["QMul"], ops["QAdd"], ops["QConv"]) == (1, 0, 0, 0, 2)
    node = the_op(model)
    assert node.name == "y_node"
    given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    assert (given["result_first"], given["dtype"]) == (int(first), 2 if dtype == "uint8" else 3)
    assert given["a_zero_point" if first else "b_zero_point"] == net.zero_point
    assert given["b_zero_point" if first else "a_zero_point"] == 111
    (table,) = [each for each in model.graph.initializer if each.name == node.input[2]]
    assert list(table.dims) == [32, 256]  # 20 channels are padded


def test_results_differ() -> None:
    """The network above shows something: with another table, or without an operand, it has other results."""
    net, x = start()
    t = scaled(net, net.conv(x, "branch", C, C), "t")
    added(net, t, x, net.unshaped_output("y", "uint8"))
    _, model = fused(net)
    feed = inputs(net)[0]
    (before,) = outputs(open_session(model), feed).values()
    assert len(np.unique(before)) > 100
    (table,) = [each for each in model.graph.initializer if each.name == the_op(model).input[2]]
    rolled = np.roll(onnx.numpy_helper.to_array(table), 1, 0)
    table.CopyFrom(onnx.numpy_helper.from_array(rolled, table.name))
    (after,) = outputs(open_session(model), feed).values()
    assert (before != after).any(axis=(0, 2, 3)).sum() > C // 2


def test_a_bias_for_each_channel() -> None:
    """A sum with a constant is such a function, too, where no matmul adds it."""
    net, x = start()
    b = net.conv(x, "branch", C, C)
    bias = net.constant("bias", integers(net.rng, "uint8", (1, C, 1, 1)))
    t = net.node("QLinearAdd", [b, *net.quantized, bias, *net.quantized, *net.quantized], "t", MICROSOFT)
    added(net, t, x, net.unshaped_output("y", "uint8"))
    ops, _ = fused(net)
    assert (ops[OP], ops["QAdd"]) == (1, 0)


def test_one_after_the_other() -> None:
    """The blocks of a stage: each adds to the sum before."""
    net, x = start()
    for number in range(3):
        t = scaled(net, net.conv(x, f"branch{number}", C, C), f"scale{number}")
        x = added(net, t, x, f"sum{number}", first=number != 1)
    net.conv(x, net.unshaped_output("y", "uint8"), C, 6)
    ops, model = fused(net)
    assert (ops[OP], ops["QConv"]) == (3, 5)
    assert len({node.input[2] for node in model.graph.node if node.op_type == OP}) == 3


def test_functions_of_both_operands() -> None:
    """One of them is part of the addition."""
    net, x = start()
    a = scaled(net, net.conv(x, "a", C, C), "scale_a")
    b = scaled(net, net.conv(x, "b", C, C), "scale_b")
    added(net, a, b, net.unshaped_output("y", "uint8"))
    ops, model = fused(net)
    assert (ops[OP], ops["QMul"], ops["QAdd"]) == (1, 1, 0)
    (product,) = [node for node in model.graph.node if node.op_type == "QMul"]
    assert the_op(model).input[1] == product.output[0]


def test_the_other_function_where_one_has_other_consumers() -> None:
    net, x = start()
    a = scaled(net, net.conv(x, "a", C, C), "scale_a")
    b = scaled(net, net.conv(x, "b", C, C), "scale_b")
    added(net, a, b, net.unshaped_output("y", "uint8"))
    net.conv(a, net.unshaped_output("z", "uint8"), C, 6)
    ops, model = fused(net)
    assert (ops[OP], ops["QMul"]) == (1, 1)
    (attribute,) = [each for each in the_op(model).attribute if each.name == "result_first"]
    assert attribute.i == 0


@pytest.mark.parametrize("is_output", [True, False])
def test_what_others_read(is_output: bool) -> None:
    net, x = start()
    name = net.unshaped_output("t", "uint8") if is_output else "t"
    t = scaled(net, net.conv(x, "branch", C, C), name)
    added(net, t, x, net.unshaped_output("y", "uint8"))
    if not is_output:
        net.conv(t, net.unshaped_output("z", "uint8"), C, 6)
    ops, _ = fused(net)
    assert (ops[OP], ops["QMul"], ops["QAdd"]) == (0, 1, 1)
    assert declined(net) == ["the QMul before it has other consumers"]


def test_an_addition_that_broadcasts() -> None:
    net, x = start()
    t = scaled(net, net.conv(x, "branch", C, C), "t")
    added(net, t, net.average(x, "mean"), net.unshaped_output("y", "uint8"))
    ops, _ = fused(net)
    assert (ops[OP], ops["QMul"], ops["QAdd"]) == (0, 1, 1)
    assert declined(net) == ["it broadcasts an operand"]


def test_a_constant_for_each_pixel() -> None:
    net, x = start()
    t = scaled(net, net.conv(x, "branch", C, C), "t", (C, *SIZE))
    added(net, t, x, net.unshaped_output("y", "uint8"))
    ops, _ = fused(net)
    assert (ops[OP], ops["QMul"], ops["QAdd"]) == (0, 1, 1)
    assert declined(net) == ["the QMul before it has no constant of one value for each channel"]


def test_one_table_for_all_channels() -> None:
    """The convolution looks it up: nothing is to gain."""
    net, x = start()
    t = looked_up(net, net.conv(x, "branch", C, C), "function")
    added(net, t, x, net.unshaped_output("y", "uint8"))
    ops, _ = fused(net)
    assert (ops[OP], ops["QConvTable"], ops["QAdd"]) == (0, 1, 1)
    assert declined(net) == []


def test_an_addition_that_is_part_of_a_convolution() -> None:
    """The shortcut is one, which adds what the function gives."""
    net, x = start()
    t = scaled(net, net.conv(x, "branch", C, C), "t")
    added(net, t, net.conv(x, "short", C, C), net.unshaped_output("y", "uint8"))
    ops, _ = fused(net)
    assert (ops[OP], ops["QConvAdd"], ops["QMul"], ops["QAdd"]) == (0, 1, 1, 0)


# Blocks as libraries export them, between Q/DQ pairs.


def matmul(net: QdqNetwork, x: str, name: str, c: int, k: int) -> str:
    y = net.node("MatMul", [x, net.weights(f"{name}_w", (c, k), 1)], name)
    return net.pair(y, f"{name}_q", 0.05, 140)


def biased(net: QdqNetwork, y: str, name: str, k: int) -> str:
    bias = net.weights(f"{name}_b", (k,), dtype="uint8", zero_point=128)
    return net.pair(net.node("Add", [bias, y], name), f"{name}_q", 0.061, 117)


def depthwise(net: QdqNetwork, x: str, name: str, c: int = 4) -> str:
    y = net.node("Conv", [x, net.weights(f"{name}_w", (c, 1, 7, 7), 0)], name, pads=[3] * 4, group=c)
    return net.pair(y, f"{name}_q", 0.05, 131)


def normalized(net: QdqNetwork, x: str, name: str, c: int = 4) -> str:
    parameters = [
        net.constant(f"{name}_{part}", net.rng.normal(1, 0.3, c), "float32") for part in ("scale", "bias")
    ]
    return net.pair(net.node("LayerNormalization", [x, *parameters], name), f"{name}_q", 0.03, 128)


def turned(net: QdqNetwork, x: str, name: str, *perm: int, pair: tuple[float, int] = (0.03, 128)) -> str:
    return net.pair(net.node("Transpose", [x], name, perm=perm), f"{name}_q", *pair)


def gamma(net: QdqNetwork, x: str, name: str, *shape: int) -> str:
    factor = net.weights(f"{name}_f", shape, dtype="uint8", zero_point=3)
    return net.pair(net.node("Mul", [x, factor], name), f"{name}_q", 0.04, 120)


def block(net: QdqNetwork, x: str, name: str, library: str) -> str:
    """A block of ConvNeXt: the scale and zero point of a transposed tensor are those of the tensor."""
    y = depthwise(net, x, f"{name}/d")
    if library == "convolutions":  # timm's conv_mlp
        for part, c, k in (("1", 4, 16), ("2", 16, 4)):
            weights = net.weights(f"{name}/{part}_w", (k, c, 1, 1), 0)
            y = net.pair(net.node("Conv", [y, weights], f"{name}/{part}"), f"{name}/{part}_q", 0.05, 140)
        y = gamma(net, y, f"{name}/g", 1, 4, 1, 1)
    else:
        y = turned(net, y, f"{name}/t", 0, 2, 3, 1, pair=(0.05, 131))
        y = normalized(net, y, f"{name}/n")
        y = biased(net, matmul(net, y, f"{name}/1", 4, 16), f"{name}/1b", 16)
        y = net.pair(net.node("Gelu", [y], f"{name}/gelu"), f"{name}/gelu_q", 0.04, 8)
        y = biased(net, matmul(net, y, f"{name}/2", 16, 4), f"{name}/2b", 4)
        if library == "torchvision":
            y = gamma(net, turned(net, y, f"{name}/u", 0, 3, 1, 2, pair=(0.061, 117)), f"{name}/g", 4, 1, 1)
        else:  # timm, and Facebook's own
            y = gamma(net, y, f"{name}/g", 4)
            y = turned(net, y, f"{name}/u", 0, 3, 1, 2, pair=(0.04, 120))
    return net.pair(net.node("Add", [y, x], f"{name}/sum"), f"{name}/sum_q", 0.07, 125)


@pytest.mark.parametrize(
    ("library", "ops"),
    [
        ("torchvision", {"QConv": 2, "QLayerNormalization": 2, "QMatMulAddTable": 2, "QMatMul": 2}),
        ("timm", {"QConv": 2, "QLayerNormalization": 2, "QMatMulAddTable": 2, "QMatMul": 2}),
        ("convolutions", {"QConv": 6}),
    ],
)
def test_blocks_of_convnext(library: str, ops: dict[str, int]) -> None:
    net = QdqNetwork()
    x = net.x()
    for name in "ab":
        x = block(net, x, name, library)
    net.y(x)
    assert_converts(net.model(20), {**ops, OP: 2})


def test_a_sum_that_a_normalization_reads() -> None:
    """As at the end of a stage, and in vision transformers with layer scales: it adds, the table stays."""
    net = QdqNetwork()
    x = net.x(("n", 7, C))
    y = biased(net, matmul(net, x, "m", C, C), "mb", C)
    y = gamma(net, y, "g", C)
    total = net.pair(net.node("Add", [y, x], "sum"), "sum_q", 0.07, 125)
    net.y(matmul(net, normalized(net, total, "n", C), "last", C, 6), rank=3)
    net.y(matmul(net, total, "next", C, 6), rank=3)
    report = assert_converts(net.model(20), {"QMatMul": 3, "QTable": 1, "QAddLayerNormalization": 1}, (7, C))
    assert not report.left


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("first", [True, False])
def test_on_the_gpu(dtype: str, first: bool) -> None:
    net, x = start(dtype)
    t = scaled(net, net.conv(x, "branch", C, C), "t")
    added(net, t, x, net.unshaped_output("y", dtype), first)
    ops, model = fused(net)
    assert ops[OP] == 1
    assert_same_on_gpu(model, inputs(net))


@pytest.mark.gpu
@pytest.mark.parametrize("library", ["torchvision", "timm", "convolutions"])
def test_blocks_on_the_gpu(library: str) -> None:
    net = QdqNetwork()
    net.y(block(net, net.x(), "a", library))
    model: Any = converter.convert(net.model(20)).model
    assert [node.op_type for node in model.graph.node].count(OP) == 1
    assert_same_on_gpu(model, [{"x": normal(batch, 4, 9, 8)} for batch in (2, 1)])
