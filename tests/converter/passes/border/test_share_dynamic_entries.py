"""What several dynamically quantized matmuls read is quantized once, with bias and multiplier for all."""

import onnx
import pytest
from attention_networks import WIDTH, AttentionNetwork
from dynamic_networks import DynamicNetwork, converted, ops
from onnx import numpy_helper

C = 20


def firsts(model: onnx.ModelProto) -> list[int]:
    """Where the matmuls' parts begin, in order."""
    return sorted(
        onnx.helper.get_attribute_value(attribute)
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "first"
    )


def sums(model: onnx.ModelProto, op: str = "DynamicQuantizeToIsland") -> list[list[int]]:
    """The sums of weights that the model's ops have."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    return [arrays[node.input[-2]].tolist() for node in model.graph.node if node.op_type == op]


@pytest.mark.parametrize("gelu", [False, True])
def test_parts(gelu: bool) -> None:
    net = DynamicNetwork()
    x = net.x(("n", 7, C))
    x = net.quantize(net.node("Gelu", [x], "gelu") if gelu else x)
    for name, outputs in ("a", 5), ("b", 8), ("c", 3), ("d", 1):
        net.y(net.matmul(x, name, C, outputs))
    model, _ = converted(net.model(20))
    op = "DynamicGeluToIsland" if gelu else "DynamicQuantizeToIsland"
    assert ops(model) == {op: 1, "DynamicQMatMul": 4}
    assert firsts(model) == [0, 8, 16, 20]
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in net.constants}
    parts = [weights[f"{name}_w"].sum(axis=0, dtype=int).tolist() for name in "abcd"]
    (found,) = sums(model, op)
    assert found == [*parts[0], 0, 0, 0, *parts[1], *parts[2], 0, *parts[3], 0, 0, 0]


def test_one_matmul() -> None:
    net = DynamicNetwork()
    net.end(net.x(("n", 7, C)), C)
    model, _ = converted(net.model())
    assert firsts(model) == [0]
    assert [len(part) for part in sums(model)] == [8]


def test_other_axes_apart() -> None:
    """A matmul of the last axis, and a convolution along it."""
    net = DynamicNetwork()
    x = net.quantize(net.x(("n", 4, C)))
    net.y(net.matmul(x, "a", C, 5))
    net.node("ConvInteger", [f"{x}_8", net.constant("w", net.rng.integers(-9, 9, (3, 4, 2)), "int8")], "b_32")
    net.nodes[-1].input.append(f"{x}_zero_point")
    net.node("Cast", ["b_32"], "b_cast", to=onnx.TensorProto.FLOAT)
    net.y(net.node("Mul", ["b_cast", f"{x}_scale"], "b"))
    model, _ = converted(net.model())
    assert ops(model)["DynamicQuantizeToIsland"] == 2
    assert sorted(map(len, sums(model))) == [8, 16]


def test_merged_projections_and_another_matmul() -> None:
    net = AttentionNetwork()
    net.attention()
    net.y(net.matmul("x", "other", WIDTH, 5))
    model, _ = converted(net.model())
    assert ops(model)["DynamicQMatMul"] == 3
    assert firsts(model) == [0, 0, 3 * WIDTH]
    assert sorted(map(len, sums(model))) == [8, 3 * WIDTH + 8]
