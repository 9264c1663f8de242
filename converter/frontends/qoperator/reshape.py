"""Reshape, Flatten, Squeeze, Unsqueeze on 8-bit values, where channels stay together => the same inside"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.batched_transpose import match_batched_transpose
from qudnn.converter.frontends.qoperator.channel_shuffle import match_channel_shuffle
from qudnn.converter.frontends.qoperator.common import from_front, read_numbers, read_required_numbers
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.reshaping import keeps_zeros, resolved
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.reshape import make_reshape


def reshape(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    facts.eight_bit(x)
    for ends in match_channel_shuffle, match_batched_transpose:
        several = ends(node, facts)
        if several is not None:
            return several
    target = facts.numbers(required_input(node, 1))
    if target is None:
        return _candidate(node, facts, facts.ranked(node.outputs[0]))
    return _candidate(node, facts, resolved(target, facts.ranked(x), keeps_zeros(node)))


def flatten(node: ir.Node, facts: Facts) -> Candidate:
    shape = facts.ranked(required_input(node, 0))
    axis = node.attributes.get_int("axis", 1)
    axis += len(shape) if axis < 0 else 0
    rows = resolved([-1], shape[:axis], True) if axis else (1,)
    columns = resolved([-1], shape[axis:], True) if axis < len(shape) else (1,)
    return _candidate(node, facts, rows + columns)


def squeeze(node: ir.Node, facts: Facts) -> Candidate:
    shape = facts.ranked(required_input(node, 0))
    axes = read_numbers(node, 1, "axes", "axes", facts)
    if axes is None:
        raise Refusal("it has no axes")
    dropped = {from_front(axis, len(shape)) for axis in axes}
    return _candidate(node, facts, tuple(size for axis, size in enumerate(shape) if axis not in dropped))


def unsqueeze(node: ir.Node, facts: Facts) -> Candidate:
    shape = facts.ranked(required_input(node, 0))
    axes = read_required_numbers(node, 1, "axes", "axes", facts)
    rank = len(shape) + len(axes)
    added = {from_front(axis, rank) for axis in axes}
    if len(added) < len(axes):
        raise Refusal(f"it adds an axis twice: its axes are {axes}")
    sizes = iter(shape)
    return _candidate(node, facts, tuple(1 if axis in added else next(sizes) for axis in range(rank)))


def _candidate(node: ir.Node, facts: Facts, y_shape: Shape) -> Candidate:
    x, y = required_input(node, 0), node.outputs[0]
    dtype = facts.eight_bit(x)
    facts.note_shape(y, dtype, y_shape)
    return make_reshape((node,), x, y, dtype, facts.ranked(x), y_shape, facts)
