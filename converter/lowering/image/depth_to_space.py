"""QDepthToSpace, channels into pixels; and SpaceToDepth back, which inside needs no op of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, shifted, times
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, padded, plain
from qudnn.converter.island.port import Tensor, port


@dataclass(frozen=True)
class DepthToSpace:
    """source: the layout that the op needs, with a piece of padded channels for each pixel of a block."""

    blocksize: int
    crop: tuple[int, int, int, int]
    source: Layout

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.moved(tensors[0], self.source)
        layout = plain(4, 1, self.source.channels // self.blocksize**2)
        attributes: dict[str, Attribute] = {"blocksize": self.blocksize, "crop": self.crop}
        return [emitter.op("QDepthToSpace", [x], layout, attributes)]


@dataclass(frozen=True)
class SpaceToDepth:
    blocksize: int
    size: tuple[int, int]  # of the input

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        b, width = self.blocksize, x.layout.width
        (h, w), places = (size // b for size in self.size), range(b * b)
        positions = tuple(place * width + c for place in places for c in x.layout.positions)
        layout = Layout(4, 1, positions, b * b * width)
        blocks = {"blocks": np.array([-1, h, b, w, b, width], np.int64)}
        pixels = {"pixels": np.array([-1, h, w, layout.width], np.int64)}
        y = emitter.standard("Reshape", x, x.layout, blocks, rank=6)
        y = emitter.standard("Transpose", y, x.layout, perm=[0, 1, 3, 2, 4, 5], rank=6)
        return [emitter.op("Reshape", [y], layout, {}, pixels, domain="")]


class Blocks(NamedTuple):
    """Of size * size pixels; mode: the order of channels, as DepthToSpace has it.

    crop: how many rows and columns of the result to leave out, top, left, bottom, right.
    """

    size: int
    mode: str = "DCR"
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)


def make_depth_to_space(
    covers: tuple[ir.Node, ...], x: ir.Value, y: ir.Value, dtype: ir.DataType, into: Blocks, shape: Shape
) -> Candidate:
    """The candidate for a DepthToSpace of 8-bit images of `shape`."""
    blocksize, mode, crop = into
    n, c, h, w = port(x, shape, 1, dtype).shape
    blocks = blocksize * blocksize
    if not isinstance(c, int) or c % blocks:
        raise Refusal(f"its channels are not divisible by {blocks}")
    if mode not in ("DCR", "CRD"):
        raise Refusal(f"mode {mode} is not supported")
    channels = c // blocks
    width = padded(channels)
    if mode == "DCR":
        positions = [place * width + channel for place in range(blocks) for channel in range(channels)]
    else:
        positions = [place * width + channel for channel in range(channels) for place in range(blocks)]
    source = Layout(4, 1, tuple(positions), blocks * width)
    y_shape = (n, channels, _grown(h, blocksize, crop[0] + crop[2]), _grown(w, blocksize, crop[1] + crop[3]))
    return Candidate(
        covers,
        DepthToSpace(blocksize, crop, source),
        (port(x, shape, 1, dtype, wish=source),),
        (port(y, y_shape, 1, dtype),),
    )


def make_space_to_depth(
    covers: tuple[ir.Node, ...], x: ir.Value, y: ir.Value, dtype: ir.DataType, blocksize: int, shape: Shape
) -> Candidate:
    """The candidate for a SpaceToDepth of 8-bit images of `shape`."""
    n, c, h, w = port(x, shape, 1, dtype).shape
    if not isinstance(h, int) or not isinstance(w, int):
        raise Refusal("the height and width of its input are not known")
    if h % blocksize or w % blocksize:
        raise Refusal(f"its height and width are not divisible by {blocksize}")
    assert isinstance(c, int)
    y_shape = (n, c * blocksize**2, h // blocksize, w // blocksize)
    return Candidate(
        covers,
        SpaceToDepth(blocksize, (h, w)),
        (port(x, shape, 1, dtype),),
        (port(y, y_shape, 1, dtype),),
    )


def _grown(size: Size, blocksize: int, less: int) -> Size:
    return shifted(times(size, blocksize), -less)
