"""Slice, Split, Gather, Identity, on 8-bit values => Slice, Gather, or nothing but a view"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import from_front, numbers, required_numbers
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.pick import pick
from qudnn.converter.lowering.take import channels, slices
from qudnn.converter.lowering.take import split as candidate


def identity(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    return slices((node,), x, node.outputs[0], facts.eight_bit(x), {}, facts)


def slice_(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    starts = required_numbers(node, 1, "starts", "starts")
    ends = required_numbers(node, 2, "ends", "ends")
    axes = numbers(node, 3, "axes", "axes") or list(range(len(starts)))
    steps = numbers(node, 4, "steps", "steps") or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise Refusal("its starts, ends, axes and steps are not of one length")
    if min(steps, default=1) < 1:
        raise Refusal("a step of it is negative")
    parts = {
        from_front(axis, len(shape)): slice(start, end, step)
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    return slices((node,), x, node.outputs[0], dtype, parts, facts)


def split(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    axis = from_front(node.attributes.get_int("axis", 0), len(shape))
    sizes = numbers(node, 1, "split", "split")
    if sizes is None:
        total, count = shape[axis], len(node.outputs)
        if not isinstance(total, int):
            raise Refusal("the size of what it splits is unknown")
        each = -(-total // count)
        sizes = [each] * (count - 1) + [total - each * (count - 1)]
    if len(sizes) != len(node.outputs) or min(sizes) < 1:
        raise Refusal(f"its parts have the sizes {sizes}")
    return candidate((node,), x, node.outputs, dtype, axis, sizes, facts)


def gather(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    shape = facts.ranked(x)
    axis = from_front(node.attributes.get_int("axis", 0), len(shape))
    indices = constant(node_input(node, 1), "indices")
    if axis != facts.channel_axis_of(x) or indices.ndim != 1:
        return pick((node,), x, node.outputs[0], dtype, axis, indices, facts)
    total = shape[axis]
    if not isinstance(total, int):
        raise Refusal("the number of channels of its input is unknown")
    order = [int(index) + (total if index < 0 else 0) for index in indices]
    return channels((node,), x, node.outputs[0], dtype, order, axis, facts)
