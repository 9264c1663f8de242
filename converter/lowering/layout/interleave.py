"""Pieces of channels as pixels beside each other, along any axes: Reshape, Transpose, Slice.

QDepthToSpace does it in one for square blocks of images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as ir

from qudnn.converter.graph.reshaping import target_of
from qudnn.converter.graph.sizes import Shape, shifted, times
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, padded, plain
from qudnn.converter.island.port import Port, Tensor, port

_TO_THE_END = 2**31 - 1


@dataclass(frozen=True)
class Interleave:
    """blocks: the sizes of a block along the axes after the first; crops: what to leave out of each then.

    source: the layout with a piece of padded channels for each pixel of a block. target: the sizes of the
    result before it is cropped, channels apart, as Reshape takes them.
    """

    blocks: tuple[int, ...]
    crops: tuple[tuple[int, int], ...]
    source: Layout
    target: tuple[int, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.moved(tensors[0], self.source)
        pieces = prod(self.blocks)
        layout = plain(self.source.rank, 1, self.source.channels // pieces)
        if pieces > 1:
            x = self._pixels(emitter, x, layout)
        cropped = [axis for axis, crop in enumerate(self.crops) if any(crop)]
        if cropped:
            bounds = [self.crops[axis] for axis in cropped]
            constants = {
                "starts": np.array([before for before, _ in bounds], np.int64),
                "ends": np.array([-after if after else _TO_THE_END for _, after in bounds], np.int64),
                "axes": np.array([axis + 1 for axis in cropped], np.int64),
            }
            x = emitter.op("Slice", [x], layout, {}, constants, domain="")
        return [x]

    def _pixels(self, emitter: Emitter, x: Tensor, layout: Layout) -> Tensor:
        """Channels -> axes of their own -> each after the axis that it belongs to -> one with that."""
        count = len(self.blocks)
        if any(block > 1 for block in self.blocks[:-1]):
            wide = [axis for axis, block in enumerate(self.blocks) if block > 1]
            rank = 2 + count + len(wide)
            apart = np.array(
                [0] * (count + 1) + [self.blocks[axis] for axis in wide] + [layout.width], np.int64
            )
            x = emitter.standard("Reshape", x, layout, {"apart": apart}, rank=rank)
            perm = [0]
            for axis in range(count):
                perm.append(axis + 1)
                if axis in wide:
                    perm.append(count + 1 + wide.index(axis))
            x = emitter.standard("Transpose", x, layout, perm=[*perm, rank - 1], rank=rank)
        shape = np.array([*self.target, layout.width], np.int64)
        return emitter.op("Reshape", [x], layout, {}, {"shape": shape}, domain="")


def make_interleaved(
    covers: tuple[ir.Node, ...],
    x: Port,
    y: ir.Value,
    blocks: Sequence[int],
    crops: Sequence[tuple[int, int]],
    channels: int,
) -> Candidate:
    """The candidate for blocks of pixels whose places are channels of x: `[N, places * C, spatial...]`.

    blocks: their sizes along the spatial axes; places in the order of a block's pixels, the last axis first.
    """
    n, _, *spatial = x.shape
    width = padded(channels)
    positions = [place * width + channel for place in range(prod(blocks)) for channel in range(channels)]
    source = Layout(len(x.shape), 1, tuple(positions), prod(blocks) * width)
    grown: Shape = tuple(times(size, block) for size, block in zip(spatial, blocks, strict=True))
    before: Shape = (n, *spatial) if set(blocks[:-1]) <= {1} else (n,)
    y_shape = tuple(shifted(size, -sum(crop)) for size, crop in zip(grown, crops, strict=True))
    return Candidate(
        covers,
        Interleave(tuple(blocks), tuple(crops), source, target_of((n, *grown), before)),
        (port(x.value, x.shape, 1, x.dtype, wish=source),),
        (port(y, (n, channels, *y_shape), 1, x.dtype),),
    )
