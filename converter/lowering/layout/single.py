"""Reshape of a tensor with one channel, whose pixels become the channels: `[N,1,4,A] -> [N,4,A]`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.reshaping import run_time_target
from qudnn.converter.graph.sizes import Shape, product
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, plain
from qudnn.converter.island.port import Port, Tensor, port


@dataclass(frozen=True)
class PixelsAsChannels:
    """target: the sizes of the result, as run_time_target has them."""

    target: Shape
    channels: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        bounds = {"start": 0, "end": 1, "axis": -1}
        constants = {what: np.array([number], np.int64) for what, number in bounds.items()}
        one = emitter.standard("Slice", x, replace(x.layout, width=1), constants)
        layout = plain(len(self.target), len(self.target) - 1, self.channels)
        dense = replace(layout, width=self.channels)
        y = emitter.op("Reshape", [one], dense, {}, {"shape": self.target}, domain="")
        if dense == layout:
            return [y]
        indices = np.minimum(np.arange(layout.width), self.channels - 1)
        return [emitter.standard("Gather", y, layout, {"channels": indices}, axis=-1)]


def make_pixels_as_channels(
    covers: tuple[ir.Node, ...], x: Port, y: ir.Value, x_shape: Shape, y_shape: Shape, facts: Facts
) -> Candidate | None:
    """The candidate for `[before, 1, after] -> [..., C]`; None where it is something else."""
    channels = y_shape[-1] if y_shape else 0
    if x_shape[x.channel_axis] != 1 or not isinstance(channels, int) or channels < 2:
        return None
    if product(x_shape) != product(y_shape):
        return None
    inside = (*x_shape[: x.channel_axis], *x_shape[x.channel_axis + 1 :])
    target = run_time_target(y_shape, (*inside, 1), facts.can_compute)
    rank = len(y_shape)
    op = PixelsAsChannels(target, channels)
    return Candidate(covers, op, (x,), (port(y, y_shape, rank - 1, x.dtype),))
