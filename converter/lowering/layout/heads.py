"""Reshape along the last axis: channels split into groups, `[..., 768] -> [..., 12, 64]`, and merged again.

In place, where the groups of channels are padded as the tensor inside has them. Groups may become rows, as in
detectors' heads: `[N, H, W, A * 4] -> [N, H * W * A, 4]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.reshaping import run_time_target
from qudnn.converter.graph.sizes import Shape, product
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, plain
from qudnn.converter.island.port import Port, Tensor, port

_LEAST = 4  # channels of a row


@dataclass(frozen=True)
class SplitHeads:
    """target: the sizes inside, as run_time_target has them, less the last.

    apart: the layout of the input in which the groups are padded already. y: that of the result.
    """

    target: Shape
    apart: Layout
    y: Layout

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.moved(tensors[0], self.apart)
        shape = (*self.target, self.y.width)
        return [emitter.op("Reshape", [x], self.y, {}, {"shape": shape}, domain="")]


@dataclass(frozen=True)
class MergeHeads:
    """target: as SplitHeads'. groups: how many groups of channels become one."""

    target: Shape
    groups: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        rank = len(self.target) + 1
        y = x.layout.side_by_side(self.groups, rank, rank - 1)
        shape = (*self.target, y.width)
        return [emitter.op("Reshape", [x], y, {}, {"shape": shape}, domain="")]


def make_split_heads(
    covers: tuple[ir.Node, ...], x: Port, y: ir.Value, x_shape: Shape, y_shape: Shape, facts: Facts
) -> Candidate | None:
    """The candidate for `[..., C] -> [..., C / groups]`; None where it is something else."""
    groups = _groups(y_shape, x_shape)
    if groups is None or x.channel_axis != len(x_shape) - 1:
        return None
    rank = len(y_shape)
    y_layout = plain(rank, rank - 1, x.channels // groups)
    apart = y_layout.side_by_side(groups, len(x_shape), x.channel_axis)
    target = run_time_target(y_shape[:-1], x_shape[:-1], facts.can_compute)
    op = SplitHeads(target, apart, y_layout)
    x = replace(x, wish=apart)
    return Candidate(covers, op, (x,), (port(y, y_shape, rank - 1, x.dtype),))


def make_joined_heads(
    covers: tuple[ir.Node, ...], x: Port, y: ir.Value, x_shape: Shape, y_shape: Shape, facts: Facts
) -> Candidate | None:
    """The candidate for `[..., C / groups] -> [..., C]`; None where it is something else."""
    groups = _groups(x_shape, y_shape)
    if groups is None or x.channel_axis != len(x_shape) - 1:
        return None
    target = run_time_target(y_shape[:-1], x_shape[:-1], facts.can_compute)
    op = MergeHeads(target, groups)
    return Candidate(covers, op, (x,), (port(y, y_shape, len(y_shape) - 1, x.dtype),))


def _groups(long: Shape, short: Shape) -> int | None:
    """How many last axes of `long` the last one of `short` has, all else being equal."""
    if not long or not short:
        return None
    size, whole = long[-1], short[-1]
    if not isinstance(size, int) or not isinstance(whole, int) or size < 1 or whole % size:
        return None
    groups = whole // size
    if groups < 2 or product(long[:-1]) != product((*short[:-1], groups)):
        return None
    # Rows of few channels would be mostly padding.
    return groups if size >= _LEAST or _are_axes(long, whole) else None


def _are_axes(long: Shape, whole: int) -> bool:
    """Whether the groups have axes of their own."""
    groups = 1
    for size in reversed(long):
        if not isinstance(size, int):
            return False
        groups *= size
        if groups >= whole:
            return groups == whole
    return False
