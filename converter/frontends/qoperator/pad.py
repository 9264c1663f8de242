"""Pad on 8 bits => QMaxPool or Gather; Pad -> QLinearConv => QLinearConv with more padding"""

from collections.abc import Sequence

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import (
    from_front,
    read_required_numbers,
    read_required_sizes,
)
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input, required_input, single
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.image.pad import make_pad
from qudnn.converter.lowering.image.run_time_pad import make_run_time_pad
from qudnn.converter.lowering.layout.take import make_slices
from qudnn.converter.lowering.sequence import between, make_sequence

_END = 2**31 - 1  # of any axis


def pad(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    fill = node_input(node, 2)
    number = 0 if fill is None else int(single(fill, "constant_value"))
    return padded(node, (node,), x, node.outputs[0], dtype, number, facts)


def padded(
    node: ir.Node,
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    fill: int,
    facts: Facts,
) -> Candidate:
    """The candidate for what the Pad makes of x, of 8 bits; fill: of what it adds in mode constant."""
    shape = facts.ranked(x)
    amounts: list[Size] = list(read_required_sizes(node, 1, "pads", "pads", facts))
    if node_input(node, 3) is not None:
        axes = [
            from_front(axis, len(shape)) for axis in read_required_numbers(node, 3, "axes", "axes", facts)
        ]
        if len(amounts) != 2 * len(axes):
            raise Refusal("its pads and axes are not of one length")
        given = dict(zip([*axes, *(axis + len(shape) for axis in axes)], amounts, strict=True))
        amounts = [given.get(place, 0) for place in range(2 * len(shape))]
    if len(amounts) != 2 * len(shape):
        raise Refusal("its pads are not two for each dimension")
    mode = node.attributes.get_string("mode", "constant")
    known = [amount for amount in amounts if isinstance(amount, int)]
    if len(known) < len(amounts):
        if mode != "constant":
            raise Refusal(f"how much it pads in mode {mode} is known only at run time")
        axis = _channels(x, shape, amounts, facts)
        return make_run_time_pad(covers, x, y, dtype, axis, tuple(amounts), fill, facts)
    if min(known) >= 0:
        axis = _channels(x, shape, amounts, facts)
        return make_pad(covers, x, y, dtype, shape, axis, known, mode, fill)
    if mode != "constant":
        raise Refusal("it takes elements away")
    return _cropped(covers, x, y, dtype, known, fill, facts)


def _cropped(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    amounts: list[int],
    fill: int,
    facts: Facts,
) -> Candidate:
    """First the elements that negative amounts take away, then those that others add."""
    rank = len(amounts) // 2
    parts = {
        axis: slice(max(-amounts[axis], 0), min(amounts[axis + rank], 0) or _END, 1)
        for axis in range(rank)
        if min(amounts[axis], amounts[axis + rank]) < 0
    }
    more = [max(amount, 0) for amount in amounts]
    middle = between(y, "part") if any(more) else y
    cropped = make_slices(covers, x, middle, dtype, parts, facts)
    if not any(more):
        return cropped
    (port,) = cropped.outputs
    filled = make_pad(covers, middle, y, dtype, port.shape, port.channel_axis, more, "constant", fill)
    return make_sequence([cropped, filled])


def _channels(x: ir.Value, shape: Shape, pads: Sequence[Size], facts: Facts) -> int:
    """The axis of the channels: where no island tells, one that is not padded."""
    axis = facts.channel_axis_of(x) % len(shape)
    if facts.channel_axis(x) is None and (pads[axis] or pads[axis + len(shape)]):
        return next((a for a in (len(shape) - 1, 1) if not pads[a] and not pads[a + len(shape)]), axis)
    return axis


def read_padding_before(
    x: ir.Value, quantization: Quantization, facts: Facts
) -> tuple[ir.Node, ir.Value, tuple[int, ...]] | None:
    """The Pad that makes x, what it pads, and how much, as Geometry has pads.

    None where there is none that a convolution of that quantization could do itself.
    """
    pad = x.producer()
    if not is_onnx(pad, "Pad") or pad.inputs[0] is None:
        return None
    shape = facts.shape(pad.inputs[0])
    if shape is None or len(shape) not in (3, 4, 5) or node_input(pad, 3) is not None:
        return None
    if pad.attributes.get_string("mode", "constant") != "constant":
        return None
    fill = node_input(pad, 2)
    value = constant_or_none(fill) if fill is not None else None
    if fill is not None and (value is None or value.size != 1):
        return None
    number = 0 if value is None else int(value.reshape(()))
    try:
        amounts = read_required_numbers(pad, 1, "pads", "pads", facts)
    except Refusal:
        return None
    rank = len(shape)
    if len(amounts) != 2 * rank:
        return None
    if number != quantization.zero_point or min(amounts) < 0 or any(amounts[:2] + amounts[rank : rank + 2]):
        return None
    no_pad = [0] * (4 - rank)
    return pad, pad.inputs[0], (*no_pad, *amounts[2:rank], *no_pad, *amounts[rank + 2 :])
