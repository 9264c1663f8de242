"""Slice, Split, Gather, Identity, on 8-bit values => Slice, Gather, or nothing but a view"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import from_front, read_numbers, read_required_sizes
from qudnn.converter.graph.constants import constant, constant_or_none, node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.pick import make_pick
from qudnn.converter.lowering.layout.take import make_channels, make_slices, make_split


def identity(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    return make_slices((node,), x, node.outputs[0], facts.eight_bit(x), {}, facts)


def slice_rule(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    starts = read_required_sizes(node, 1, "starts", "starts", facts)
    ends = read_required_sizes(node, 2, "ends", "ends", facts)
    axes = read_numbers(node, 3, "axes", "axes", facts) or list(range(len(starts)))
    steps = read_numbers(node, 4, "steps", "steps", facts) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise Refusal("its starts, ends, axes and steps are not of one length")
    if min(steps, default=1) < 1:
        raise Refusal("a step of it is negative")
    parts = {
        from_front(axis, len(shape)): slice(start, end, step)
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    return make_slices((node,), x, node.outputs[0], dtype, parts, facts)


def split(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    axis = from_front(node.attributes.get_int("axis", 0), len(shape))
    sizes = read_numbers(node, 1, "split", "split", facts)
    if sizes is None:
        total, count = shape[axis], len(node.outputs)
        if not isinstance(total, int):
            raise Refusal("the size of what it splits is unknown")
        each = -(-total // count)
        sizes = [each] * (count - 1) + [total - each * (count - 1)]
    if len(sizes) != len(node.outputs) or min(sizes) < 1:
        raise Refusal(f"its parts have the sizes {sizes}")
    return make_split((node,), x, node.outputs, dtype, axis, sizes, facts)


def gather(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    axis = from_front(node.attributes.get_int("axis", 0), len(shape))
    if constant_or_none(required_input(node, 1)) is None and constant_or_none(x) is not None:
        raise Refusal("it looks up a table, as an embedding: that stays outside of islands")
    indices = constant(node_input(node, 1), "indices")
    if axis != facts.channel_axis_of(x) or indices.ndim != 1:
        return make_pick((node,), x, node.outputs[0], dtype, axis, indices, facts)
    total = shape[axis]
    if not isinstance(total, int):
        raise Refusal("the number of channels of its input is unknown")
    order = [int(index) + (total if index < 0 else 0) for index in indices]
    return make_channels((node,), x, node.outputs[0], dtype, order, axis, facts)
