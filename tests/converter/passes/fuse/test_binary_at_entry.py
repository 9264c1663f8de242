"""Sums and products of two float32 tensors before an entry: one op, with all bits but those of Gelu."""

from collections.abc import Callable

import numpy as np
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork, normal

import check
from qudnn import converter
from session import open_session, outputs

Chain = Callable[[QdqNetwork, str, str], str]


def vector(net: QdqNetwork, *shape: int) -> str:
    return net.constant(f"vector{len(net.constants)}", net.rng.uniform(0.5, 2, shape), "float32")


def number(net: QdqNetwork, value: float) -> str:
    return net.constant(f"number{len(net.constants)}", value, "float32")


def with_bias(net: QdqNetwork, x: str, z: str) -> str:
    return net.node("Add", [z, net.node("Add", [vector(net, 4, 1, 1), x], "biased")], "sum")


def relu_and_scales(net: QdqNetwork, x: str, z: str) -> str:
    relu = net.node("Relu", [net.node("Add", [x, z], "sum")], "relu")
    return net.node("Div", [relu, vector(net, 4, 1, 1)], "divided")


def gated(net: QdqNetwork, x: str, z: str) -> str:
    """Squeeze and excite."""
    clipped = net.node("Clip", [x, number(net, 0), number(net, 2)], "clipped")
    mean = net.node("ReduceMean", [z], "mean", axes=[2, 3])
    return net.node("Mul", [clipped, net.node("Sigmoid", [mean], "gate")], "gated")


def silu(net: QdqNetwork, x: str, z: str) -> str:
    return net.node("Mul", [x, net.node("Sigmoid", [x], "gate")], "silu")


def hard_gated(net: QdqNetwork, x: str, z: str) -> str:
    """As MobileNetV3 has it; with numbers that are not HardSigmoid's own."""
    mean = net.node("ReduceMean", [z], "mean", axes=[2, 3])
    gate = net.node("HardSigmoid", [mean], "gate", alpha=1 / 6, beta=0.47)
    return net.node("Mul", [x, gate], "gated")


def by_channel(chain: Chain) -> Chain:
    """Divided by a number for each channel, as what stands before a depthwise convolution."""
    return lambda net, x, z: net.node("Div", [chain(net, x, z), vector(net, 4, 1, 1)], "divided")


CHAINS: dict[str, tuple[Chain, str]] = {
    "add": (lambda net, x, z: net.node("Add", [x, z], "sum"), "AddToIsland"),
    "add a bias too": (with_bias, "AddToIsland"),
    "add, relu, divide by channel": (relu_and_scales, "AddToIsland"),
    "multiply": (lambda net, x, z: net.node("Mul", [x, z], "product"), "MulToIsland"),
    "gate": (gated, "MulToIsland"),
    "smooth": (
        lambda net, x, z: net.node("Mul", [vector(net, 4, 1, 1), x], "product"),
        "MulToIsland",
    ),
    "hard gate": (hard_gated, "MulToIsland"),
    "gate, divide by channel": (by_channel(gated), "MulToIsland"),
    "hard gate, divide by channel": (by_channel(hard_gated), "MulToIsland"),
    "silu, divide by channel": (by_channel(silu), "MulToIsland"),
    "hard swish, divide by channel": (
        by_channel(lambda net, x, z: net.node("HardSwish", [x], "swish")),
        "MulToIsland",
    ),
    "add a bias": (lambda net, x, z: net.node("Add", [x, vector(net, 4, 1, 1)], "sum"), "AddToIsland"),
}
SHAPE = ("n", 4, 9, 8)


def network(chain: Chain, transposed: bool = False) -> QdqNetwork:
    """x, z -> chain -> a pair -> a convolution -> a pair"""
    net = QdqNetwork()
    shape = ("n", 9, 8, 4) if transposed else SHAPE
    x, z = net.input("x", "float32", shape), net.input("z", "float32", SHAPE)
    if transposed:
        x = net.node("Transpose", [x], "x_first", perm=[0, 3, 1, 2])
    net.y(net.conv(net.pair(chain(net, x, z), "inner", 0.0237, 107), bias=None))
    return net


def feed_of(transposed: bool, batch: int) -> dict[str, np.ndarray]:
    x = normal(batch, 9, 8, 4) if transposed else normal(batch, 4, 9, 8)
    return {"x": x, "z": normal(batch, 4, 9, 8)[:, ::-1].copy()}


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("chain", "op"), CHAINS.values(), ids=CHAINS.keys())
def test_one_op(chain: Chain, op: str, transposed: bool) -> None:
    model = network(chain, transposed).model()
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted == {op: 1, "QConv": 1}, str(report)
    left = {entry.op_type for entry in report.left}
    assert left <= {"ReduceMean"} and not report.approximate, str(report)
    assert "Transpose" not in {node.op_type for node in conversion.model.graph.node}
    check.assert_equivalent(model, conversion.model, [feed_of(transposed, batch) for batch in (2, 1)])


def test_padding_is_written_with_it() -> None:
    conversion = converter.convert(network(CHAINS["gate"][0]).model())
    (entry,) = (node for node in conversion.model.graph.node if node.op_type == "MulToIsland")
    pads = next(list(a.ints) for a in entry.attribute if a.name == "pads")
    assert pads == [0, 1, 1, 0, 0, 0, 1, 12]


def test_gelu_times_a_vector() -> None:
    """SmoothQuant of a transformer's second linear layer."""
    net = QdqNetwork()
    product = net.node("MatMul", [net.x(("n", 7, 16)), net.weights("w", (16, 12), 1)], "product")
    scaled = net.node("Div", [product, number(net, 2**0.5)], "scaled")
    doubled = net.node("Add", [net.node("Erf", [scaled], "erf"), number(net, 1)], "doubled")
    half = net.node("Mul", [net.node("Mul", [product, doubled], "both"), number(net, 0.5)], "gelu")
    inner = net.pair(net.node("Mul", [half, vector(net, 12)], "smooth"), "inner", 0.0237, 20)
    net.y(net.node("MatMul", [inner, net.weights("w2", (12, 5), 1)], "second"), rank=3)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QMatMulToFloat": 1, "MulToIsland": 1, "QMatMul": 1}
    assert not conversion.report.left, str(conversion.report)
    assert [e.op_type for e in conversion.report.approximate].count("MulToIsland") == 1
    feed = {"x": normal(2, 7, 16)}
    got, want = (outputs(open_session(m), feed)["second_out"] for m in (conversion.model, model))
    assert np.abs(got - want).max() <= RESULT_SCALE * 1.001
    assert len(np.unique(want)) > 10


def test_activation_that_a_product_reads_too() -> None:
    """Each of both computes it, and it is never written."""
    net = QdqNetwork()
    clipped = net.node("Clip", [net.input("x", "float32", SHAPE), number(net, 0), number(net, 2)], "clipped")
    first = net.conv(net.pair(clipped, "c_q", 0.0137, 107), "first", bias=None)
    gate = net.input("z", "float32", SHAPE)
    both = net.node("Mul", [clipped, net.node("Sigmoid", [gate], "gate")], "both")
    net.y(first)
    net.y(net.conv(net.pair(both, "both_q", 0.0237, 107), "second", bias=None))
    model = net.model()
    conversion = converter.convert(model)
    ops = {"StepsToIsland": 1, "MulToIsland": 1, "QConv": 2}
    assert conversion.report.converted == ops and not conversion.report.left, str(conversion.report)
    check.assert_equivalent(model, conversion.model, [feed_of(False, batch) for batch in (2, 1)])


def test_quotient_that_others_read() -> None:
    net = network(CHAINS["silu, divide by channel"][0])
    net.output("divided", "float32", list("abcd"))
    conversion = converter.convert(net.model())
    assert "MulToIsland" not in conversion.report.converted
    assert {"Mul", "Div"} <= {entry.op_type for entry in conversion.report.left}
    check.assert_equivalent(net.model(), conversion.model, [feed_of(False, 2)])


def test_sum_that_others_read() -> None:
    net = network(CHAINS["add"][0])
    net.output("sum", "float32", list("abcd"))
    conversion = converter.convert(net.model())
    assert "AddToIsland" not in conversion.report.converted
    assert "Add" in {entry.op_type for entry in conversion.report.left}
    check.assert_equivalent(net.model(), conversion.model, [feed_of(False, 2)])


def test_numbers_that_are_none() -> None:
    for name in ("add, relu, divide by channel", "gate", "hard gate", "silu, divide by channel"):
        net = network(CHAINS[name][0])
        conversion = converter.convert(net.model())
        feed = feed_of(False, 2)
        feed["x"].reshape(-1)[:6] = np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-45
        check.assert_equivalent(net.model(), conversion.model, [feed])


def test_sum_that_is_dequantized_at_once() -> None:
    """A residual that is quantized before a normalization whose result others read in float32."""
    net = QdqNetwork()
    product = net.node("MatMul", [net.x(("n", 7, 16)), net.weights("w", (16, 12), 1)], "product")
    biased = net.node("Add", [vector(net, 12), product], "biased")
    total = net.node("Add", [net.input("z", "float32", ("n", 7, 12)), biased], "total")
    gamma, beta = vector(net, 12), vector(net, 12)
    norm = net.node("LayerNormalization", [net.pair(total, "total_q", 0.0437, 107), gamma, beta], "norm")
    net.output(norm, "float32", ["n", 7, 12])
    inner = net.pair(norm, "inner", 0.0237, 120)
    net.y(net.node("MatMul", [inner, net.weights("w2", (12, 5), 1)], "second"), rank=3)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted["AddToIsland"] == 1, str(conversion.report)
    assert not conversion.report.left, str(conversion.report)
    assert not {"QuantizeLinear", "Add"} & {node.op_type for node in conversion.model.graph.node}
    feed = {"x": normal(2, 7, 16), "z": normal(2, 7, 12)}
    got, want = (outputs(open_session(m), feed) for m in (conversion.model, model))
    assert np.abs(got["second_out"] - want["second_out"]).max() <= RESULT_SCALE * 1.001
    assert np.mean(np.abs(got["norm"] - want["norm"]) > 1e-4) < 0.02


def test_pair_with_other_numbers_stays() -> None:
    net = QdqNetwork()
    product = net.node("MatMul", [net.x(("n", 7, 16)), net.weights("w", (16, 12), 1)], "product")
    total = net.node("Add", [net.input("z", "float32", ("n", 7, 12)), product], "total")
    net.node("QuantizeLinear", [total, *net.parameters("a", 0.05, 100, "uint8")], "q")
    y = net.dequantize("q", net.parameters("b", 0.06, 100, "uint8"), "dq")
    net.output(y, "float32", ["n", 7, 12])
    conversion = converter.convert(net.model())
    assert "AddToIsland" not in conversion.report.converted
    assert (
        "with other numbers" in {entry.name: entry.reason for entry in conversion.report.left}["total_node"]
    )
