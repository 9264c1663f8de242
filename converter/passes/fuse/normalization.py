"""LayerNormalization in float32 outside of islands: what passes check before they replace it by an op."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.context import Context
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import (
    add_initializer,
    describe_as,
    is_needed,
    leave_out,
    remove_orphans,
    take_place,
)
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.qdq.linear import float_constant

_MIN_OPSET = 17  # of ONNX's operator, which the functions' bodies are written in


def normalizes(node: ir.Node) -> bool:
    return is_onnx(node, "LayerNormalization")


def channels_of(norm: ir.Node, facts: Facts) -> int:
    """How many channels it normalizes over: the last axis, in float32, of which nothing else is needed."""
    x = required_input(norm, 0)
    shape = facts.ranked(x)
    if facts.opsets.get("", 0) < _MIN_OPSET:
        raise Refusal(f"the model's opset is older than {_MIN_OPSET}")
    if facts.dtype(x) != ir.DataType.FLOAT or norm.attributes.get_int("stash_type", 1) != ir.DataType.FLOAT:
        raise Refusal("it does not compute in float32")
    if norm.attributes.get_int("axis", -1) not in (-1, len(shape) - 1):
        raise Refusal("its axis is not the last one")
    if any(output.uses() or output.is_graph_output() for output in norm.outputs[1:]):
        raise Refusal("its outputs for mean and deviation are used")
    if not isinstance(shape[-1], int):
        raise Refusal("the size of its last axis is unknown")
    return shape[-1]


def epsilon_of(norm: ir.Node) -> float:
    return norm.attributes.get_float("epsilon", 1e-5)


def rows_of(norm: ir.Node, channels: int, graph: ir.Graph, context: Context) -> tuple[ir.Value, ir.Value]:
    """gamma and beta, constant float32 `[channels]`, perhaps dequantized; beta is zeros if left out."""
    gamma = _row(required_input(norm, 1), "scale", channels, graph, context)
    value = node_input(norm, 2)
    if value is None:
        return gamma, row(graph, context, f"{norm.name}/beta", 0.0, channels)
    return gamma, _row(value, "bias", channels, graph, context)


def _row(value: ir.Value, what: str, channels: int, graph: ir.Graph, context: Context) -> ir.Value:
    if is_row(value, channels):
        return value
    array = float_constant(value, what)
    if array.dtype != np.float32 or array.shape != (channels,):
        raise Refusal(f"its {what} is no constant of {channels} numbers in float32")
    return add_initializer(graph, context.names.value(f"{value.name}/constant"), array)


def is_row(value: ir.Value, channels: int) -> bool:
    """Whether it is a constant with one float32 number for each channel."""
    array = constant_or_none(value)
    return array is not None and array.dtype == np.float32 and array.shape == (channels,)


def row(graph: ir.Graph, context: Context, name: str, number: float, channels: int) -> ir.Value:
    """A new constant: the number for each channel."""
    return add_initializer(graph, context.names.value(name), np.full(channels, number, np.float32))


def hand_over(norm: ir.Node, results: Sequence[ir.Value | None], fused: ir.Node, entry: ir.Node) -> None:
    """Replace the nodes by the op: the normalization, the addition before it, the entry after it.

    results: what the op's first outputs stand for, in float32; None where the model has no such value. The
    op leaves out what nobody needs.
    """
    describe_as(fused, norm)
    graph = entry.graph
    assert graph is not None
    graph.insert_after(entry, fused)
    for old, new in zip(entry.outputs, fused.outputs[len(results) :], strict=True):
        take_place(old, new)
    remove_orphans([entry])
    for result, new in reversed(list(zip(results, fused.outputs[: len(results)], strict=True))):
        if result is not None and is_needed(result):
            take_place(result, new)
        else:
            leave_out(new)
        node = None if result is None else result.producer()
        remove_orphans([] if node is None else [node])
