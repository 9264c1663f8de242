"""Reshape, Flatten, Squeeze, Unsqueeze on 8-bit values, where channels stay together => the same inside"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.batched_transpose import match_batched_transpose
from qudnn.converter.frontends.qoperator.channel_shuffle import match_channel_shuffle
from qudnn.converter.frontends.qoperator.common import from_front, read_numbers
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.reshaping import keeps_zeros, resolved
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.reshape import make_reshape


def reshape(node: ir.Node, facts: Facts) -> Candidate:
    facts.eight_bit(required_input(node, 0))
    for ends in match_channel_shuffle, match_batched_transpose:
        several = ends(node, facts)
        if several is not None:
            return several
    return view(node, facts)


def view(node: ir.Node, facts: Facts) -> Candidate:
    x, y = required_input(node, 0), node.outputs[0]
    shape = facts.ranked(x)
    y_shape = facts.ranked(y) if _is_computed(node, facts) else shape_after(node, shape, facts)
    dtype = facts.eight_bit(x)
    facts.note_shape(y, dtype, y_shape)
    return make_reshape((node,), x, y, dtype, shape, y_shape, facts)


def _is_computed(node: ir.Node, facts: Facts) -> bool:
    """Whether it is a Reshape to numbers that are not known."""
    return is_onnx(node, "Reshape") and facts.numbers(required_input(node, 1)) is None


def shape_after(node: ir.Node, shape: Shape, facts: Facts) -> Shape:
    """What a Reshape, Flatten, Squeeze or Unsqueeze makes of a tensor of this shape."""
    if is_onnx(node, "Reshape"):
        target = facts.numbers(required_input(node, 1))
        if target is None:
            raise Refusal("its shape is computed at run time")
        return resolved(target, shape, keeps_zeros(node))
    if is_onnx(node, "Flatten"):
        return _flattened(node, shape)
    axes = read_numbers(node, 1, "axes", "axes", facts)
    if axes is None:
        raise Refusal("it has no axes")
    if is_onnx(node, "Squeeze"):
        dropped = {from_front(axis, len(shape)) for axis in axes}
        return tuple(size for axis, size in enumerate(shape) if axis not in dropped)
    rank = len(shape) + len(axes)
    added = {from_front(axis, rank) for axis in axes}
    if len(added) < len(axes):
        raise Refusal(f"it adds an axis twice: its axes are {axes}")
    sizes = iter(shape)
    return tuple(1 if axis in added else next(sizes) for axis in range(rank))


def _flattened(node: ir.Node, shape: Shape) -> Shape:
    axis = node.attributes.get_int("axis", 1)
    axis += len(shape) if axis < 0 else 0
    rows = resolved([-1], shape[:axis], True) if axis else (1,)
    columns = resolved([-1], shape[axis:], True) if axis < len(shape) else (1,)
    return rows + columns
