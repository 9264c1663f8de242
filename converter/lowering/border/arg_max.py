"""ArgMaxFromIsland: the places of the greatest or least values along the axis of the channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.port import Tensor, port, port_outside


@dataclass(frozen=True)
class ArgMax:
    """keeps: the axis, as 1."""

    is_max: bool
    selects_last: bool
    keeps: bool

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        attributes = {
            "channels": x.layout.channels,
            "sign": 1 if self.is_max else -1,
            "select_last_index": int(self.selects_last),
        }
        outside = unpadded(x.layout.rank - 1)
        y = emitter.op("ArgMaxFromIsland", [x], outside, attributes, dtype=ir.DataType.INT64)
        if not self.keeps:
            return [y]
        axes = {"axes": np.array([x.layout.channel_axis], np.int64)}
        return [emitter.standard("Unsqueeze", y, unpadded(x.layout.rank), axes)]


def make_arg_max(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    axis: int,
    op: ArgMax,
    facts: Facts,
) -> Candidate:
    """The candidate for the places along an axis of x, from the front; y is int64, outside of the island."""
    shape = facts.ranked(x, least=2)
    kept = tuple(1 if a == axis else size for a, size in enumerate(shape) if a != axis or op.keeps)
    x_port = port(x, shape, axis, dtype)
    return Candidate(covers, op, (x_port,), (port_outside(y, kept, ir.DataType.INT64),))
