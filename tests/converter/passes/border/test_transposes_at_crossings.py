"""Transposes before dynamic quantization and before steps: they read tensors as they lie."""

from collections.abc import Sequence

import onnx
import pytest
from dynamic_networks import DynamicNetwork, converted, ops
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter


def perms(model: onnx.ModelProto) -> list[list[int]]:
    """Of all entries."""
    entries = [node for node in model.graph.node if node.op_type == "DynamicQuantizeToIsland"]
    return [list(a.ints) for node in entries for a in node.attribute if a.name == "perm"]


@pytest.mark.parametrize("perm", [(2, 0, 1, 3), (1, 3, 2, 0), (0, 1, 3, 2)])
def test_rows(perm: Sequence[int]) -> None:
    net = DynamicNetwork()
    sizes = [2, 3, 4, 5]
    x = net.x(sizes)
    moved = net.node("Transpose", [x], "moved", perm=perm)
    net.end(moved, sizes[perm[-1]], rank=4)
    model, _ = converted(net.model())
    assert ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}
    assert perms(model) == [list(perm)]


def test_two_transposes() -> None:
    net = DynamicNetwork()
    first = net.node("Transpose", [net.x(["n", 3, 4])], "first", perm=[2, 0, 1])
    net.end(net.node("Transpose", [first], "second", perm=[1, 2, 0]), 4)
    model, _ = converted(net.model())
    assert "Transpose" not in ops(model)


def test_other_consumers() -> None:
    net = DynamicNetwork()
    moved = net.node("Transpose", [net.x(["n", 3, 4])], "moved", perm=[0, 2, 1])
    net.end(moved, 3)
    net.y(net.node("Relu", [moved], "other"))
    model, _ = converted(net.model())
    assert ops(model)["Transpose"] == 1
    assert perms(model) == [[0, 1, 2]]


def test_behind_an_activation() -> None:
    """It is known to be an entry's once the activation is part of the entry."""
    net = QdqNetwork("uint8")
    x = net.input("x", "float32", ("n", 9, 8, 4))
    moved = net.node("Transpose", [x], "moved", perm=[0, 3, 1, 2])
    silu = net.node("Mul", [moved, net.node("Sigmoid", [moved], "gate")], "silu")
    net.y(net.conv(net.pair(silu, "inner", 0.0237, 107), bias=None))
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"StepsToIsland": 1, "QConv": 1}, str(conversion.report)
    assert "Transpose" not in ops(conversion.model)
    (steps,) = (node for node in conversion.model.graph.node if node.op_type == "StepsToIsland")
    assert [list(a.ints) for a in steps.attribute if a.name == "perm"] == [[0, 1, 2, 3]]
    check.assert_equivalent(model, conversion.model, [{"x": normal(batch, 9, 8, 4)} for batch in (2, 1)])
