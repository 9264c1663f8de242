"""Elementwise operators before an entry: an operator of steps, with all bits."""

from collections.abc import Callable

import numpy as np
import pytest
from onnx import numpy_helper
from qdq_networks import RESULT_SCALE, QdqNetwork, normal, reasons

import check
from qudnn import converter
from session import open_session, outputs

Chain = Callable[[QdqNetwork, str], str]


def number(net: QdqNetwork, value: float) -> str:
    return net.constant(f"number{len(net.constants)}", value, "float32")


def silu(net: QdqNetwork, x: str) -> str:
    return net.node("Mul", [x, net.node("Sigmoid", [x], "gate")], "silu")


def gelu_in_parts(net: QdqNetwork, x: str) -> str:
    scaled = net.node("Div", [x, number(net, 2**0.5)], "scaled")
    doubled = net.node("Add", [net.node("Erf", [scaled], "erf"), number(net, 1)], "doubled")
    return net.node("Mul", [net.node("Mul", [x, doubled], "both"), number(net, 0.5)], "gelu")


def hard_swish(net: QdqNetwork, x: str) -> str:
    shifted = net.node("Add", [x, number(net, 3)], "shifted")
    clipped = net.node("Clip", [shifted, number(net, 0), number(net, 6)], "clipped")
    return net.node("Div", [net.node("Mul", [x, clipped], "product"), number(net, 6)], "swish")


def single(op_type: str) -> Chain:
    return lambda net, x: net.node(op_type, [x], "only")


CHAINS: dict[str, Chain] = {
    "sigmoid": single("Sigmoid"),
    "relu": single("Relu"),
    "tanh": single("Tanh"),
    "hard swish": single("HardSwish"),
    "silu": silu,
    "gelu in parts": gelu_in_parts,
    "hard swish in parts": hard_swish,
    "a constant": lambda net, x: net.node("Mul", [x, number(net, 0)], "nothing"),
}


def network(chain: Chain, dtype: str = "uint8", scale: float = 0.0237) -> QdqNetwork:
    """x -> chain -> a pair -> a convolution -> a pair"""
    net = QdqNetwork(dtype)
    x = net.input("x", "float32", ("n", 4, 9, 8))
    inner = net.pair(chain(net, x), "inner", scale, 107)
    net.y(net.conv(inner, bias=None))
    return net


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_steps(chain: Chain) -> None:
    model = network(chain).model()
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted == {"StepsToIsland": 1, "QConv": 1}, str(report)
    assert not report.left and not report.approximate, str(report)
    check.assert_equivalent(model, conversion.model, [{"x": normal(batch, 4, 9, 8)} for batch in (2, 1)])


def test_numbers_where_results_change() -> None:
    """Each of these is compared, with its neighbours, and numbers that are no numbers."""
    net = network(silu)
    conversion = converter.convert(net.model())
    tensors = {tensor.name: tensor for tensor in conversion.model.graph.initializer}
    (steps,) = (node for node in conversion.model.graph.node if node.op_type == "StepsToIsland")
    thresholds = numpy_helper.to_array(tensors[steps.input[1]])
    assert len(thresholds) > 100
    assert (np.diff(thresholds) > 0).all()
    with np.errstate(over="ignore"):
        up, down = (np.nextafter(thresholds, np.float32(end)) for end in (np.inf, -np.inf))
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45], np.float32)
    numbers = np.concatenate([thresholds, up, down, special])
    x = np.resize(numbers, (-(-len(numbers) // 288), 4, 9, 8))
    check.assert_equivalent(net.model(), conversion.model, [{"x": x}])


def test_padding_is_written_with_it() -> None:
    conversion = converter.convert(network(silu).model())
    (steps,) = (node for node in conversion.model.graph.node if node.op_type == "StepsToIsland")
    pads = next(list(a.ints) for a in steps.attribute if a.name == "pads")
    assert pads == [0, 1, 1, 0, 0, 0, 1, 12]


def test_after_a_convolution_in_float() -> None:
    net = QdqNetwork()
    inner = net.pair(silu(net, net.conv(net.x(), "first")), "inner", 0.0237, 107)
    w = net.weights("w", (5, 6, 1, 1), 0)
    net.y(net.node("Conv", [inner, w], "second"))
    model = net.model()
    conversion = converter.convert(model)
    ops = {"QConvToFloat": 1, "StepsToIsland": 1, "QConv": 1}
    assert conversion.report.converted.items() >= ops.items(), str(conversion.report)
    assert not conversion.report.left, str(conversion.report)
    feed = {"x": normal(2, 4, 9, 8)}
    got, want = (outputs(open_session(m), feed)["second_out"] for m in (conversion.model, model))
    assert np.abs(got - want).max() <= RESULT_SCALE * 1.001
    assert len(np.unique(want)) > 20


@pytest.mark.parametrize("quantized", [False, True])
def test_after_a_matmul_with_a_bias(quantized: bool) -> None:
    """The matmul adds it, also where it is dequantized from int32."""
    net = QdqNetwork()
    product = net.node("MatMul", [net.x(("n", 7, 16)), net.weights("w", (16, 12), 1)], "product")
    bias = net.constant("b", net.rng.normal(size=12), "float32")
    if quantized:
        bias = net.int32_bias("b32", "w", 12)
    added = net.node("Add", [bias, product], "sum")
    inner = net.pair(gelu_in_parts(net, added), "inner", 0.0237, 20)
    net.y(net.node("MatMul", [inner, net.weights("w2", (12, 5), 1)], "second"), rank=3)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QMatMulToFloat": 1, "StepsToIsland": 1, "QMatMul": 1}
    assert not conversion.report.left, str(conversion.report)
    assert [entry.op_type for entry in conversion.report.approximate] == ["MatMul"]
    feed = {"x": normal(2, 7, 16)}
    got, want = (outputs(open_session(m), feed)["second_out"] for m in (conversion.model, model))
    assert np.abs(got - want).max() <= RESULT_SCALE * 1.001
    assert len(np.unique(want)) > 10


def test_read_elsewhere() -> None:
    """What has to be in float32 anyway stays."""
    net = network(silu)
    net.output("silu", "float32", ["a", "b", "c", "d"])
    assert "float" in reasons(net.model())["silu_node"]


def test_too_many_steps() -> None:
    net = network(single("Sin"))
    assert reasons(net.model()) == {"only_node": "it has more than 4095 steps"}


def assert_no_steps(chain: Chain) -> None:
    """Another op computes it, with the same bits."""
    model = network(chain).model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"MulToIsland": 1, "QConv": 1}, str(conversion.report)
    feed = {value.name: normal(2, 4, 9, 8) for value in model.graph.input}
    check.assert_equivalent(model, conversion.model, [feed])


def test_several_tensors() -> None:
    assert_no_steps(lambda net, x: net.node("Mul", [x, net.input("z", "float32", ("n", 4, 9, 8))], "both"))


def test_broadcast_of_itself() -> None:
    """Another tensor of another shape that is computed of the same one is no function of each element."""

    def chain(net: QdqNetwork, x: str) -> str:
        mean = net.node("ReduceMean", [x], "mean", axes=[2, 3])
        return net.node("Mul", [x, net.node("Sigmoid", [mean], "gate")], "gated")

    assert_no_steps(chain)


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_activation_after_weights_that_onnxruntime_rounds(activation: str) -> None:
    """It makes integers of a ConvTranspose's float weights where a QuantizeLinear follows the activation."""
    net = QdqNetwork()
    inner = net.pair(net.conv(net.x(), bias=None), "inner", 0.05, 119)
    weights = net.constant("w", net.rng.normal(0, 0.3, (6, 4, 2, 2)), "float32")
    wider = net.node("ConvTranspose", [inner, weights], "wider", strides=[2, 2], kernel_shape=[2, 2])
    limits = [number(net, 0), number(net, 4)] if activation == "Clip" else []
    relu = net.pair(net.node(activation, [wider, *limits], "relu"), "relu_q", 0.0237, 0)
    net.y(net.conv(relu, "d", bias=None))
    model = net.model()
    conversion = converter.convert(model, exclude=["wider_node"])
    assert conversion.report.converted["QConv"] == 2
    check.assert_equivalent(model, conversion.model, [{"x": normal(n, 4, 9, 8)} for n in (2, 1)])
