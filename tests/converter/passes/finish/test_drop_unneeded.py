"""Nodes of whose results nothing needs any are not in a converted model."""

from conversions import floats
from qdq_networks import QdqNetwork, assert_converts

import check
from qudnn import converter


def network() -> tuple[QdqNetwork, str]:
    """A tensor of which one DequantizeLinear is read by nothing; and the other one's result."""
    net = QdqNetwork()
    net.pair(net.node("Relu", [net.x(("n", 16))], "r"), "of no use", 0.07, 120)
    quantization = [f"of no use_{what}" for what in ("scale", "zero_point")]
    return net, net.dequantize("of no use/quantized", quantization, "d")


def test_exits() -> None:
    net, x = network()
    net.y(net.node("MatMul", [x, net.weights("w", (16, 16), 1)], "m"), 0.05, 122, rank=2)
    assert_converts(net.model(), {"QTable": 1, "QMatMul": 1}, (16,))


def test_nodes_of_the_model_are_told_of() -> None:
    net, x = network()
    net.y(net.node("MatMul", [x, net.weights("w", (16, 16), 1)], "m"), 0.05, 122, rank=2)
    net.node("Sin", [net.node("Cos", [x], "before")], "last")
    model = net.model()
    conversion = converter.convert(model)
    assert [entry.name for entry in conversion.report.left] == ["before_node", "last_node"]
    assert not {"before_node", "last_node"} & {node.name for node in conversion.model.graph.node}
    assert conversion.report.exits == 1
    check.assert_equivalent(model, conversion.model, [{"x": floats(3, 16)}])


def test_nodes_that_read_other_tensors_stay() -> None:
    net, x = network()
    net.y(net.node("MatMul", [x, net.weights("w", (16, 16), 1)], "m"), 0.05, 122, rank=2)
    net.node("Add", [x, net.input("z", "float32", ("n", 16))], "last")
    model = net.model()
    conversion = converter.convert(model)
    assert "last_node" in {node.name for node in conversion.model.graph.node}
    check.assert_equivalent(model, conversion.model, [{"x": floats(3, 16), "z": floats(3, 16)}])
