"""Transposes that cancel around Q/DQ pairs, as onnxruntime cancels them before it merges pairs."""

import pytest
from qdq_networks import RESULT_SCALE, SCALE, QdqNetwork, assert_converts, normal

import check
from qudnn import converter
from qudnn.converter.graph.op_traits import Trait, operators_with

THERE, BACK = [0, 2, 3, 1], [0, 3, 1, 2]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize(("scale", "zero_point"), [(SCALE, 119), (2 * SCALE, 100)], ids=["same", "other"])
def test_pair_between(dtype: str, scale: float, zero_point: int) -> None:
    net = QdqNetwork(dtype)
    y = net.node("Transpose", [net.x()], "there", perm=THERE)
    y = net.pair(y, "between", scale, zero_point)
    net.y(net.conv(net.pair(net.node("Transpose", [y], "back", perm=BACK), "c_x", SCALE, 119), bias=None))
    assert_converts(net.model(), {"QConv": 1})


@pytest.mark.parametrize("place", ["before the pair", "after the pair"])
@pytest.mark.parametrize("op_type", [*(name for _, name in operators_with(Trait.TRANSPOSED)), "Mish"])
def test_elementwise_between(op_type: str, place: str) -> None:
    """onnxruntime moves the Transposes past it, Mish apart, and merges the pairs that are adjacent then."""
    net = QdqNetwork()
    y = net.node("Transpose", [net.x()], "there", perm=THERE)
    if place == "before the pair":
        y = net.pair(net.node(op_type, [y], "f"), "between", SCALE, 119)
    else:
        y = net.node(op_type, [net.pair(y, "between", SCALE, 119)], "f")
    net.y(net.node("Transpose", [y], "back", perm=BACK), RESULT_SCALE, 90)
    original = net.model(18)
    conversion = converter.convert(original)
    assert conversion.report.converted == {"QTable": 1} or op_type == "Mish"
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_pairs_of_a_tensor_with_other_consumers() -> None:
    net = QdqNetwork()
    x = net.x()
    y = net.node("Transpose", [x], "there", perm=THERE)
    y = net.node("Transpose", [net.pair(y, "between", SCALE, 119)], "back", perm=BACK)
    y = net.pair(y, "after", RESULT_SCALE, 90)
    net.y(net.node("Add", [x, y], "sum"))
    assert_converts(net.model(), {"QTable": 1})  # x + f(x) is a function of x


@pytest.mark.parametrize("last", ["dequantized", "moved"])
def test_at_an_output(last: str) -> None:
    """Its shape is kept, and what is merged with it is so there too."""
    net = QdqNetwork()
    x = net.pair(net.pair(net.x(), "requantized", RESULT_SCALE, 90), "a_third", SCALE, 119)
    y = net.node("Transpose", [x], "there", perm=THERE)
    y = net.node("Transpose", [net.pair(y, "between", SCALE, 119)], "back", perm=BACK)
    if last == "dequantized":
        y = net.pair(y, "after", SCALE, 119)
    net.output(y, "float32", ["n", 4, "h", "w"])
    original = net.model(17)
    conversion = converter.convert(original)
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 8)}])


@pytest.mark.parametrize("scale", [RESULT_SCALE, SCALE / 2], ids=["wider", "narrower"])
def test_moves_after(scale: float) -> None:
    """The last QuantizeLinear passes the slice, and what it then is next to is merged with it."""
    net = QdqNetwork()
    y = net.node("Transpose", [net.x()], "there", perm=THERE)
    y = net.node("Transpose", [net.pair(y, "between", SCALE, 119)], "back", perm=BACK)
    bounds = [net.constant(name, [value], "int64") for name, value in {"from": 1, "to": 7, "axis": 3}.items()]
    net.y(net.node("Slice", [y, *bounds], "part"), scale)
    original = net.model()
    check.assert_equivalent(original, converter.convert(original).model, [{"x": normal(2, 4, 9, 8)}])


def test_adjacent_before_several_consumers() -> None:
    """The pair that comes between them is merged too, and is not the one after them."""
    net = QdqNetwork()
    y = net.node("Transpose", [net.x()], "there", perm=THERE)
    y = net.pair(net.node("Transpose", [y], "back", perm=BACK), "after", RESULT_SCALE, 90)
    net.y(net.node("Mul", [y, net.node("Sigmoid", [y], "sigmoid")], "swish"))
    assert_converts(net.model(), {"QTable": 1})


def test_pairs_merged_before() -> None:
    net = QdqNetwork()
    x = net.pair(net.x(), "again", RESULT_SCALE, 0)
    y = net.node("Transpose", [x], "there", perm=THERE)
    y = net.node("Transpose", [net.pair(y, "between", RESULT_SCALE, 0)], "back", perm=BACK)
    net.y(y, RESULT_SCALE, 0)
    net.y(net.conv(x, bias=None))
    assert_converts(net.model(), {"QTable": 1, "QConv": 1})


def test_moves_after_in_float() -> None:
    """The DequantizeLinear before the last transposition passes the slice; what is merged is before that."""
    net = QdqNetwork()
    y = net.pair(net.conv(net.x(), bias=None), "c_q", SCALE, 119)
    y = net.node("Transpose", [y], "there", perm=THERE)
    y = net.node("Transpose", [net.pair(y, "between", RESULT_SCALE, 90)], "back", perm=BACK)
    bounds = [net.constant(name, [value], "int64") for name, value in {"from": 1, "to": 7, "axis": 3}.items()]
    part = net.node("Slice", [y, *bounds], "part")
    net.output(net.node("Sin", [part], "sine"), "float32", ["n", 6, 9, 6])
    assert_same(net, {"QConv": 1, "Slice": 1, "QTable": 1})


def test_moves_before() -> None:
    """The QuantizeLinear before the first transposition passes the reshaping, with its own scale."""
    net = QdqNetwork()
    y = net.pair(net.conv(net.x(), bias=None), "c_q", SCALE, 119)
    y = net.node("Transpose", [y], "turned", perm=[0, 1, 3, 2])
    y = net.node("Reshape", [y, net.constant("to", [0, 6, 4, 16], "int64")], "reshaped")
    y = net.node("Transpose", [net.pair(y, "before", RESULT_SCALE, 90)], "there", perm=THERE)
    y = net.node("Transpose", [net.pair(y, "between", SCALE, 30)], "back", perm=BACK)
    net.output(net.pair(y, "after", SCALE, 30), "float32", ["n", 6, 4, 16])
    assert_same(net, {"QConv": 1})


def test_several_consumers_after_in_float() -> None:
    """Each has a DequantizeLinear of its own, so what quantizes for all of them stays."""
    net = QdqNetwork()
    y = net.node("Transpose", [net.x()], "there", perm=THERE)
    x = net.pair(net.node("Transpose", [y], "back", perm=BACK), "merged", RESULT_SCALE, 90)
    y = net.node("Transpose", [x], "there_again", perm=THERE)
    y = net.pair(y, "between", RESULT_SCALE, 90)
    y = net.node("Transpose", [y], "back_again", perm=BACK)
    net.y(net.node("Mul", [y, net.node("Sigmoid", [y], "sigmoid")], "swish"))
    net.y(net.node("Tanh", [x], "tanh"))
    assert_converts(net.model(), {"QTable": 2})


def test_without_consumers() -> None:
    """They stay, and so what they read keeps its consumers."""
    net = QdqNetwork()
    x = net.pair(net.conv(net.x(), bias=None), "c_q", SCALE, 119)
    y = net.node("Transpose", [x], "there", perm=THERE)
    net.node("Transpose", [net.pair(y, "between", SCALE, 119)], "back", perm=BACK)
    net.output(net.pair(x, "other", RESULT_SCALE, 0), "float32", ["n", 6, 9, 8])
    assert_same(net, {"QConvTable": 1})


def assert_same(net: QdqNetwork, ops: dict[str, int]) -> None:
    """The bits stay, and the model has at least these ops."""
    original = net.model()
    conversion = converter.convert(original)
    assert ops.items() <= conversion.report.converted.items(), str(conversion.report)
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 8)}])
