"""Transposes before dynamic quantization: it reads tensors as they lie."""

from collections.abc import Sequence

import onnx
import pytest
from dynamic_networks import DynamicNetwork, converted, ops


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
