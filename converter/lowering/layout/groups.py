"""Reshape where channels are not the last axis: in groups, `[N,64,A] -> [N,4,16,A]`, and merged again.

The last axis of the groups has the channels; the others come before the pixels inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.reshaping import run_time_target
from qudnn.converter.graph.sizes import Shape, product
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, plain
from qudnn.converter.island.port import Port, Tensor, port


@dataclass(frozen=True)
class SplitChannels:
    """before, after: the sizes around the channels, as run_time_target has them.

    groups: the sizes of their axes besides the last. apart: the layout of the input in which the groups are
    padded already. y: that of the result.
    """

    before: Shape
    after: Shape
    groups: tuple[int, ...]
    apart: Layout
    y: Layout

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.moved(tensors[0], self.apart)
        shape = (*self.before, *self.after, *self.groups, self.y.width)
        split = emitter.op("Reshape", [x], self.y, {}, {"shape": shape}, domain="")
        axes = range(len(shape))
        first, last = len(self.before), len(self.before) + len(self.after)
        perm = [*axes[:first], *axes[last:-1], *axes[first:last], axes[-1]]
        return [emitter.standard("Transpose", split, self.y, perm=perm)]


@dataclass(frozen=True)
class MergeChannels:
    """target: the sizes inside, as run_time_target has them, less the last.

    first: the axis of the first group. groups: as SplitChannels has them. channel_axis: of the result.
    """

    target: Shape
    first: int
    groups: tuple[int, ...]
    channel_axis: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        axes = range(x.layout.rank)
        last = self.first + len(self.groups)
        perm = [*axes[: self.first], *axes[last:-1], *axes[self.first : last], axes[-1]]
        moved = emitter.standard("Transpose", x, x.layout, perm=perm)
        layout = x.layout.side_by_side(prod(self.groups), len(self.target) + 1, self.channel_axis)
        shape = (*self.target, layout.width)
        return [emitter.op("Reshape", [moved], layout, {}, {"shape": shape}, domain="")]


def make_split_channels(
    covers: tuple[ir.Node, ...], x: Port, y: ir.Value, x_shape: Shape, y_shape: Shape, facts: Facts
) -> Candidate | None:
    """The candidate for `[before, C, after] -> [before, groups, after]`; None where it is something else."""
    found = _axes_of(x_shape, x.channel_axis, y_shape)
    if found is None:
        return None
    first, end = found
    *groups, size = (axis for axis in y_shape[first:end] if isinstance(axis, int))
    y_layout = plain(len(y_shape), end - 1, size)
    apart = y_layout.side_by_side(prod(groups), len(x_shape), x.channel_axis)
    inside = (*x_shape[: x.channel_axis], *x_shape[x.channel_axis + 1 :])
    around = run_time_target((*y_shape[:first], *y_shape[end:]), inside, facts.can_compute)
    op = SplitChannels(around[:first], around[first:], tuple(groups), apart, y_layout)
    return Candidate(covers, op, (replace(x, wish=apart),), (port(y, y_shape, end - 1, x.dtype),))


def make_merged_channels(
    covers: tuple[ir.Node, ...], x: Port, y: ir.Value, x_shape: Shape, y_shape: Shape, facts: Facts
) -> Candidate | None:
    """The candidate for `[before, groups, after] -> [before, C, after]`; None where it is something else."""
    for axis in range(len(y_shape)):
        found = _axes_of(y_shape, axis, x_shape)
        if found is not None and found[1] - 1 == x.channel_axis:
            break
    else:
        return None
    first, end = found
    groups = tuple(size for size in x_shape[first : end - 1] if isinstance(size, int))
    around = (*y_shape[:axis], *y_shape[axis + 1 :])
    target = run_time_target(around, (*x_shape[:first], *x_shape[end:]), facts.can_compute)
    op = MergeChannels(target, first, groups, axis)
    return Candidate(covers, op, (x,), (port(y, y_shape, axis, x.dtype),))


def _axes_of(short: Shape, axis: int, long: Shape) -> tuple[int, int] | None:
    """Which axes of `long`, from the first up to an end, are that axis of `short`, all else being equal."""
    whole = short[axis]
    if not isinstance(whole, int):
        return None
    before, after = product(short[:axis]), product(short[axis + 1 :])
    for first in range(len(long)):
        if product(long[:first]) != before:
            continue
        for end in range(first + 2, len(long) + 1):
            sizes = [size for size in long[first:end] if isinstance(size, int)]
            if len(sizes) == end - first and prod(sizes) == whole and product(long[end:]) == after:
                return first, end
    return None
