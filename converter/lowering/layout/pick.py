"""Gather with constant indices along an axis that is not that of the channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor, port


@dataclass(frozen=True)
class Pick:
    """axis: outside. A scalar in the place of indices takes the axis away."""

    axis: int
    indices: NDArray[Any]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        (x,) = tensors
        added = self.indices.ndim - 1
        channel_axis = x.layout.channel_axis
        layout = x.layout.seen_as(
            x.layout.rank + added, channel_axis + (added if self.axis < channel_axis else 0)
        )
        axis = {"axis": x.layout.inside(self.axis)}
        return [emitter.op("Gather", [x], layout, axis, {"indices": self.indices}, domain="")]


def make_pick(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    axis: int,
    indices: NDArray[Any],
    facts: Facts,
) -> Candidate:
    """The candidate for the places `indices` along `axis` of x, which have to exist."""
    shape = facts.ranked(x)
    x_port = port(x, shape, facts.channel_axis_of(x), dtype)
    if axis == x_port.channel_axis:
        raise Refusal("it does not pick channels")
    y_shape = (*shape[:axis], *indices.shape, *shape[axis + 1 :])
    if len(y_shape) < 2:
        raise Refusal("its result has less than two dimensions")
    y_axis = x_port.channel_axis + (indices.ndim - 1 if axis < x_port.channel_axis else 0)
    return Candidate(covers, Pick(axis, indices), (x_port,), (port(y, y_shape, y_axis, dtype),))
