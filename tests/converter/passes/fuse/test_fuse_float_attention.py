"""Attention in float32 beside dynamically quantized matmuls: one op."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from attention_networks import HEADS, SIZE, WIDTH, AttentionNetwork
from dynamic_networks import converted, ops, qudnn_ops


def attributes(model: onnx.ModelProto, op: str = "Attention") -> dict[str, Any]:
    (node,) = (node for node in model.graph.node if node.op_type == op)
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


PLAIN = {"q_factor": 1.0, "k_factor": 1.0, "factor": 1.0, "divisor": 1.0, "nan_to_zero": 0}
SCALED = PLAIN | {"factor": float(np.float32(0.35))}


def assert_one_op(
    net: AttentionNetwork,
    wanted: dict[str, float],
    op: str = "Attention",
    opset: int = 17,
    optimized: bool = True,
) -> None:
    model, report = converted(net.model(opset))
    found = attributes(model, op)
    assert {name: found[name] for name in wanted} == wanted
    assert found["heads"] == HEADS
    assert not {"MatMul", "Softmax", "Transpose", "Add", "Mul", "Div", "Where"} & ops(model).keys()
    assert {entry.op_type for entry in report.left} <= {"Reshape"}
    assert [entry.op_type for entry in report.approximate] == [op]
    assert report.converted[op] == 1


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_scaled(opset: int) -> None:
    net = AttentionNetwork()
    net.attention()
    assert_one_op(net, SCALED, opset=opset)


def test_not_scaled() -> None:
    net = AttentionNetwork()
    net.attention(scale=lambda scores: scores)
    assert_one_op(net, PLAIN)


def test_divided() -> None:
    """By a number that has no exact reciprocal."""
    net = AttentionNetwork()
    net.attention(scale=lambda scores: net.scaled(scores, "Div", 8**0.5))
    assert_one_op(net, PLAIN | {"divisor": float(np.float32(8**0.5))})


def test_multiplied_and_divided() -> None:
    net = AttentionNetwork()
    net.attention(scale=lambda scores: net.scaled(net.scaled(scores), "Div", [1.7]))
    assert_one_op(net, SCALED | {"divisor": float(np.float32(1.7))})


def test_constants_first() -> None:
    net = AttentionNetwork()

    def scale(scores: str) -> str:
        return net.node("Mul", [net.constant("number", 0.35, "float32"), scores], "scaled")

    def mask(scores: str) -> str:
        return net.node("Add", [net.x(("n", 1, "s", "s"), "mask"), scores], "masked")

    net.attention(scale=scale, mask=mask)
    assert_one_op(net, SCALED, "MaskedAttention")


@pytest.mark.parametrize(
    "shape", [("n", 1, "s", "s"), ("n", HEADS, "s", "s"), (1, 1, 1, "s"), ("n", 1, 1, "s")]
)
def test_mask(shape: Sequence[int | str]) -> None:
    net = AttentionNetwork()
    net.attention(mask=lambda scores: net.masked(scores, shape))
    assert_one_op(net, SCALED, "MaskedAttention")


def test_constant_mask() -> None:
    net = AttentionNetwork()
    net.attention(
        mask=lambda scores: net.node("Add", [scores, net.numbers("bias", 1, HEADS, 1, 1)], "masked")
    )
    assert_one_op(net, SCALED, "MaskedAttention")


def test_mask_that_hides_nothing() -> None:
    """As exporters write it where there is none: 0 where it is true, which it is for all."""
    net = AttentionNetwork()

    def mask(scores: str) -> str:
        batch = net.node("Shape", ["x"], "batch", start=0, end=1)
        length = net.node("Shape", ["x"], "length", start=1, end=2)
        shape = net.node("Concat", [batch, net.integers("one", 1), length, length], "shape", axis=0)
        seen = net.node("Expand", [net.constant("true", True), shape], "seen")
        numbers = [net.constant(f"number{n}", n, "float32") for n in (0, -5)]
        return net.node("Add", [scores, net.node("Where", [seen, *numbers], "hidden")], "masked")

    net.attention(mask=mask)
    assert_one_op(net, SCALED)


def test_rows_that_are_masked_altogether() -> None:
    net = AttentionNetwork()
    net.attention(mask=net.masked, guard=net.without_nan)
    assert_one_op(net, SCALED | {"nan_to_zero": 1}, "MaskedAttention")


@pytest.mark.parametrize("after", [False, True], ids=["before the transposition", "after it"])
def test_queries_and_keys_scaled(after: bool) -> None:
    """Their product has other bits than one that is scaled."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    if after:
        q, k = net.scaled(net.transposed(q), number=0.6), net.scaled(net.columns(k), number=0.7)
    else:
        q, k = net.transposed(net.scaled(q, number=0.6)), net.columns(net.scaled(k, number=0.7))
    net.join(net.transposed(net.attend(q, k, net.transposed(v), lambda scores: scores)))
    factors = {"q_factor": float(np.float32(0.6)), "k_factor": float(np.float32(0.7))}
    assert_one_op(net, PLAIN | factors)


@pytest.mark.parametrize("number", [8.0, 5.657])
def test_queries_divided(number: float) -> None:
    """Outside, unless a multiplication gives the same."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    queries = net.transposed(net.scaled(q, "Div", number))
    context = net.attend(queries, net.columns(k), net.transposed(v), lambda scores: scores)
    net.join(net.transposed(context))
    model, _ = converted(net.model())
    assert attributes(model)["q_factor"] == (0.125 if number == 8 else 1)
    assert ops(model)["Div"] == (number != 8)


def test_scaled_twice() -> None:
    """Once outside."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    queries = net.transposed(net.scaled(net.scaled(q), number=0.7))
    net.join(net.transposed(net.attend(queries, net.columns(k), net.transposed(v))))
    model, _ = converted(net.model())
    assert ops(model)["Attention"] == ops(model)["Mul"] == 1
    assert attributes(model)["q_factor"] == np.float32(0.7)


@pytest.mark.parametrize("computed", [False, True])
def test_keys_transposed_in_one_batch(computed: bool) -> None:
    """As PyTorch exports scaled_dot_product_attention; of known sizes the optimizer leaves one Reshape."""
    net = AttentionNetwork()
    q, k, v = net.all_heads()
    rows = net.transposed(k)
    if computed:
        sizes = [net.node("Shape", [rows], f"size{axis}", start=axis, end=axis + 1) for axis in range(4)]
        shape = net.node("Concat", [net.integers("all", -1), *sizes[2:]], "flat", axis=0)
        flat = net.transposed(net.node("Reshape", [rows, shape], "matrices"), [0, 2, 1])
        shape = net.node("Concat", [*sizes[:2], sizes[3], sizes[2]], "parted", axis=0)
        keys = net.node("Reshape", [flat, shape], "keys")
    else:
        same = net.node("Reshape", [rows, net.integers("same", 0, 0, 0, SIZE)], "matrices")
        keys = net.transposed(same, [0, 1, 3, 2])
    net.join(net.transposed(net.attend(net.transposed(q), keys, net.transposed(v))))
    assert_one_op(net, SCALED)


def test_other_lengths_of_keys() -> None:
    """Queries of another tensor than keys and values."""
    net = AttentionNetwork()
    x, z = net.stream(), net.quantize(net.x(("n", "t", WIDTH), "z"))
    q, k, v = net.heads(x, "q"), net.heads(z, "k"), net.heads(z, "v")
    net.join(net.transposed(net.attend(net.transposed(q), net.columns(k), net.transposed(v))))
    assert_one_op(net, SCALED)


def test_only_the_result_is_quantized() -> None:
    net = AttentionNetwork()
    q, k, v = net.outside()
    net.join(net.transposed(net.attend(net.transposed(q), net.columns(k), net.transposed(v))))
    assert_one_op(net, SCALED)


def test_only_values_come_from_a_matmul() -> None:
    net = AttentionNetwork()
    q, k = net.outside("qk")
    context = net.attend(net.transposed(q), net.columns(k), net.transposed(net.heads(net.stream(), "v")))
    net.y(net.transposed(context), 4)
    assert_one_op(net, SCALED)


def test_without_matmuls_beside() -> None:
    """It is nothing to this package, and the report has no reason that says otherwise."""
    net = AttentionNetwork()
    q, k, v = net.outside()
    net.y(net.transposed(net.attend(net.transposed(q), net.columns(k), net.transposed(v))), 4)
    net.y(net.matmul(net.stream(), "p", WIDTH, 5))
    model, report = converted(net.model())
    assert qudnn_ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}
    assert all(entry.reason.endswith("in floating point") for entry in report.left), str(report)
