"""Softmax of float32 scores before an entry: one op, with the bits of onnxruntime's CPU provider there."""

import pytest
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter

SHAPE = ("n", 3, 9, 8)


def network(scale: str | None, mask: bool, axis: int = -1) -> QdqNetwork:
    net = QdqNetwork()
    x = net.input("x", "float32", SHAPE)
    if scale is not None:
        x = net.node(scale, [x, net.constant("number", 0.7, "float32")], "scaled")
    if mask:
        x = net.node("Add", [x, net.input("z", "float32", ("n", 1, 1, 8))], "masked")
    inner = net.pair(net.node("Softmax", [x], "weights", axis=axis), "inner", 1 / 256, 0)
    net.y(net.node("MatMul", [inner, net.weights("w", (8, 5), 1)], "product"))
    return net


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("scale", [None, "Div", "Mul"])
def test_one_op(scale: str | None, mask: bool) -> None:
    model = network(scale, mask).model()
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted == {"SoftmaxToIsland": 1, "QMatMul": 1}, str(report)
    assert not report.left and [entry.op_type for entry in report.approximate] == ["SoftmaxToIsland"]
    feeds = [{"x": normal(n, 3, 9, 8), "z": normal(n, 1, 1, 8)} for n in (2, 1)]
    names = {value.name for value in model.graph.input}
    feeds = [{name: x for name, x in feed.items() if name in names} for feed in feeds]
    check.assert_equivalent(model, conversion.model, feeds)


def test_along_another_axis() -> None:
    model = network(None, False, axis=1).model()
    conversion = converter.convert(model)
    reasons = {entry.op_type: entry.reason for entry in conversion.report.left}
    assert reasons["Softmax"] == "its axis is not the last one"
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 3, 9, 8)}])


def test_weights_that_others_read() -> None:
    net = network("Div", True)
    net.output("weights", "float32", list("abcd"))
    conversion = converter.convert(net.model())
    assert "SoftmaxToIsland" not in conversion.report.converted
    feed = {"x": normal(2, 3, 9, 8), "z": normal(2, 1, 1, 8)}
    check.assert_equivalent(net.model(), conversion.model, [feed])
