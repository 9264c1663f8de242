"""Matmuls that add a constant of each channel to their results."""

from collections import Counter

import numpy as np
import onnx
import pytest
from networks import Network
from qdq_networks import QdqNetwork, assert_converts

from cases.builder import MICROSOFT, integers
from check import assert_equivalent, assert_kernels_match_bodies
from qudnn import converter

SIZE, C, K = 7, 20, 24  # padded to 32 channels both
Fused = tuple[Counter[str], onnx.ModelProto]


def fused(net: Network, *, size: int = SIZE) -> Fused:
    """How many ops of each kind the converted model has, once it is known to compute the same."""
    model = net.model(13)
    converted = converter.convert(model).model
    onnx.checker.check_model(converted, full_check=False)
    assert_equivalent(model, converted, [{"x": net.random((batch, size, C))} for batch in (2, 1)])
    return Counter(node.op_type for node in converted.graph.node), converted


def tokens(net: Network) -> str:
    return net.eight_bit_input(["n", SIZE, C])


def output(net: Network, name: str = "y", rank: int = 3) -> str:
    return net.unshaped_output(name, net.dtype, rank)


def bias(net: Network, *shape: int, name: str = "bias") -> str:
    return net.constant(name, integers(net.rng, net.dtype, shape or (K,)))


def table(net: Network, x: str, y: str) -> str:
    return net.node("QLinearLeakyRelu", [x, *net.quantized, *net.quantized], y, MICROSOFT, alpha=0.3)


def added(net: Network, m: str, other: str, y: str, first: bool = True) -> str:
    """Of other scales and zero points than the rest."""
    finer = [net.constant(f"{y}_finer", 0.031, "float32"), net.constant(f"{y}_zero", 111, net.dtype)]
    operands = [m, *net.quantized, other, *finer] if first else [other, *finer, m, *net.quantized]
    return net.node("QLinearAdd", [*operands, *net.quantized], y, MICROSOFT)


def attributes(model: onnx.ModelProto, op: str) -> dict[str, object]:
    (node,) = [each for each in model.graph.node if each.op_type == op]
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("shape", [(K,), (1, K), (1, 1, K)])
def test_either_operand(dtype: str, shape: tuple[int, ...], first: bool) -> None:
    net = Network(dtype)
    m = net.matmul(tokens(net), "m", C, K)
    added(net, m, bias(net, *shape), output(net), first)
    ops, model = fused(net)
    assert (ops["QMatMulAdd"], ops["QMatMul"], ops["QAdd"]) == (1, 0, 0)
    of_sum = attributes(model, "QMatMulAdd")
    assert of_sum["result_first"] == int(first)
    assert of_sum["dtype"] == (2 if dtype == "uint8" else 3)
    (node,) = [each for each in model.graph.node if each.op_type == "QMatMulAdd"]
    (constant,) = [each for each in model.graph.initializer if each.name == node.input[1]]
    assert list(constant.dims) == [32]
    assert node.name == "m_node"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_sums_that_are_looked_up(dtype: str, first: bool) -> None:
    net = Network(dtype)
    s = added(net, net.matmul(tokens(net), "m", C, K), bias(net), "s", first)
    table(net, s, output(net))
    ops, model = fused(net)
    assert ops["QMatMulAddTable"] == 1
    assert not {"QMatMul", "QMatMulAdd", "QAdd", "QTable"} & set(ops)
    assert attributes(model, "QMatMulAddTable")["result_first"] == int(first)


def test_of_rank_four() -> None:
    """As ConvNeXt has it: channels are last already."""
    net = Network()
    m = net.matmul(net.eight_bit_input(["n", 5, 6, C]), "m", C, K)
    s = added(net, m, bias(net, 1, 1, 1, K), "s")
    net.matmul(table(net, s, "t"), output(net, rank=4), K, C)
    model = net.model(13)
    converted = converter.convert(model).model
    assert_equivalent(model, converted, [{"x": net.random((3, 5, 6, C))}])
    ops = Counter(node.op_type for node in converted.graph.node)
    assert (ops["QMatMulAddTable"], ops["QMatMul"], ops["QAdd"], ops["QTable"]) == (1, 1, 0, 0)


def test_constants_that_several_share() -> None:
    net = Network()
    x = tokens(net)
    shared = bias(net, 1, 1, K)
    for i in range(2):
        added(net, net.matmul(x, f"m{i}", C, K), shared, output(net, f"y{i}"))
    ops, model = fused(net)
    assert (ops["QMatMulAdd"], ops["QAdd"]) == (2, 0)
    assert len({each.name for each in model.graph.initializer}) == len(model.graph.initializer)


def test_a_number_for_all_channels() -> None:
    """It stands in each channel of the island by then."""
    net = Network()
    added(net, net.matmul(tokens(net), "m", C, K), bias(net, 1), output(net), first=False)
    ops, _ = fused(net)
    assert (ops["QMatMulAdd"], ops["QAdd"]) == (1, 0)


def declined(net: Network) -> list[str]:
    conversion = converter.convert(net.model(13), explain=True)
    return [each.reason for each in conversion.report.declined if each.step == "FuseMatMulAdd"]


def test_constants_of_each_place_stay_apart() -> None:
    net = Network()
    added(net, net.matmul(tokens(net), "m", C, K), bias(net, SIZE, K), output(net))
    ops, _ = fused(net)
    assert (ops["QMatMulAdd"], ops["QMatMul"], ops["QAdd"]) == (0, 1, 1)
    (reason,) = declined(net)
    assert reason == "its constant has not one value for each output channel"


def test_results_that_others_need() -> None:
    """One is read twice, one is a result of the model."""
    net = Network()
    x = tokens(net)
    a = net.matmul(x, "a", C, K)
    b = net.matmul(x, output(net, "b"), C, K)
    added(net, a, bias(net), output(net))
    net.matmul(a, output(net, "z"), K, C)
    added(net, b, bias(net, name="other"), output(net, "u"))
    ops, _ = fused(net)
    assert (ops["QMatMulAdd"], ops["QAdd"]) == (0, 2)
    assert set(declined(net)) == {"the matmul before it has other consumers"}


def test_sums_of_two_tensors_are_of_no_interest() -> None:
    net = Network()
    x = tokens(net)
    net.add(net.matmul(x, "a", C, C), x, output(net))
    ops, _ = fused(net)
    assert (ops["QMatMulAdd"], ops["QMatMul"], ops["QAdd"]) == (0, 1, 1)
    assert declined(net) == []


def test_sums_that_may_be_huge() -> None:
    """Their rounding needs the addition's own kernel."""
    net = Network()
    m = net.matmul(tokens(net), "m", C, K)
    coarse = [net.constant("coarse", 1e9, "float32"), net.zero]
    fine = [net.constant("fine", 1e-3, "float32"), net.zero]
    net.node("QLinearAdd", [m, *net.quantized, bias(net), *coarse, *fine], output(net), MICROSOFT)
    ops, _ = fused(net)
    assert (ops["QMatMulAdd"], ops["QAdd"]) == (0, 1)
    (reason,) = declined(net)
    assert reason == "its sums may exceed 2**21 before they are rounded"


def test_only_sums_of_matmuls() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 16, 5, 6])
    added(net, net.conv(x, "c", 16, 16), bias(net, 16, 1, 1), output(net, rank=4))
    model = net.model(13)
    converted = converter.convert(model).model
    assert_equivalent(model, converted, [{"x": net.random((2, 16, 5, 6))}])
    ops = Counter(node.op_type for node in converted.graph.node)
    assert (ops["QConv"], ops["QAdd"], ops["QMatMulAdd"]) == (1, 1, 0)


@pytest.mark.parametrize("seed", range(3))
def test_sums_at_which_a_rounding_decides(seed: int) -> None:
    """Which operand comes first shows in the bits of some."""
    rng = np.random.default_rng(seed)
    for first in (True, False):
        net = Network("int8")
        net.rng = rng
        s = added(net, net.matmul(tokens(net), "m", C, K), bias(net), "s", first)
        added(net, net.matmul(s, "n", K, K), bias(net, name="second"), output(net), not first)
        ops, _ = fused(net)
        assert (ops["QMatMulAdd"], ops["QMatMul"], ops["QAdd"]) == (2, 0, 0)


def biased_matmul(net: QdqNetwork, x: str, y: str, c: int, k: int) -> str:
    """As onnxruntime's quantizer leaves a layer: requantized before its bias, and after."""
    m = net.node("MatMul", [x, net.weights(f"{y}_w", (c, k), 1)], f"{y}_m")
    b = net.weights(f"{y}_b", (k,), dtype="uint8", zero_point=9)
    total = net.node("Add", [b, net.pair(m, f"{y}_mq", 0.05, 140)], f"{y}_a")
    return net.pair(total, f"{y}_q", 0.061, 117)


def test_a_block_of_convnext() -> None:
    """Its first matmul looks up a Gelu in parts. The second one's bias has a factor behind it, and a sum."""
    net = QdqNetwork()
    x = net.x()
    turned = net.pair(net.node("Transpose", [x], "t", perm=[0, 2, 3, 1]), "t_q", 0.0471, 119)
    y = biased_matmul(net, turned, "wide", 4, 16)
    d = net.node("Div", [y, net.constant("root", np.sqrt(2), "float32")], "d")
    e = net.pair(net.node("Erf", [net.pair(d, "d_q", 0.04, 119)], "e"), "e_q", 0.0079, 127)
    a = net.node("Add", [e, net.weights("one", (), dtype="uint8", zero_point=2)], "a")
    g = net.pair(net.node("Mul", [y, net.pair(a, "a_q", 0.0157, 12)], "g"), "g_q", 0.0921, 20)
    half = net.weights("half", (), dtype="uint8", zero_point=5)
    y = net.pair(net.node("Mul", [g, half], "h"), "h_q", 0.05, 20)
    y = biased_matmul(net, y, "narrow", 16, 4)
    factor = net.weights("gamma", (4,), dtype="uint8", zero_point=3)
    y = net.pair(net.node("Mul", [factor, y], "scaled"), "scaled_q", 0.04, 120)
    y = net.pair(net.node("Transpose", [y], "u", perm=[0, 3, 1, 2]), "u_q", 0.04, 120)
    net.y(net.node("Add", [y, x], "sum"))
    assert_converts(net.model(), {"QMatMulAddTable": 1, "QMatMul": 1, "QChannelTableAdd": 1})


@pytest.mark.gpu
@pytest.mark.parametrize("rows", [1, 33, 4099])
@pytest.mark.parametrize("k", [24, 72, 96])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("looks_up", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_on_gpu(dtype: str, looks_up: bool, first: bool, k: int, rows: int) -> None:
    """x has a zero point; 72 channels are padded to 80, no multiple of 32."""
    net = Network(dtype)
    m = net.matmul(net.eight_bit_input(["n", C]), "m", C, k)
    s = added(net, m, bias(net, k), "s" if looks_up else output(net, rank=2), first)
    if looks_up:
        table(net, s, output(net, rank=2))
    model = converter.convert(net.model(13)).model
    op = "QMatMulAddTable" if looks_up else "QMatMulAdd"
    assert [node.op_type for node in model.graph.node].count(op) == 1
    assert_kernels_match_bodies(model, {"x": net.random((rows, C))})
