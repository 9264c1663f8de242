"""Reshape, where the channels stay together: `[N,C,H,W] -> [N,C,H*W]`, or flattened, `-> [N,C*H*W]`."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.reshaping import run_time_target
from qudnn.converter.graph.sizes import Shape, product, quotient
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.port import Tensor, port
from qudnn.converter.lowering.layout.groups import make_merged_channels, make_split_channels
from qudnn.converter.lowering.layout.heads import make_joined_heads, make_split_heads
from qudnn.converter.lowering.layout.single import make_pixels_as_channels
from qudnn.converter.lowering.layout.take import make_slices


@dataclass(frozen=True)
class Reshape:
    """target: the sizes inside the island, as run_time_target has them, less the last where that is padded.

    pixels: how many elements of each channel become channels of their own.
    """

    target: Shape
    rank: int
    channel_axis: int
    pixels: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = tensors[0] if self.pixels == 1 else emitter.dense(tensors[0])
        if x.layout.is_unpadded:
            return [emitter.op("Reshape", [x], unpadded(self.rank), {}, {"shape": self.target}, domain="")]
        channels, width = x.layout.positions, x.layout.width
        # Channel c of pixel p: c * pixels + p outside, and inside the pixels follow each other.
        positions = tuple(p * width + c for c in channels for p in range(self.pixels))
        layout = Layout(self.rank, self.channel_axis, positions, width * self.pixels)
        if self.target == (0,) and self.pixels == 1:
            return [emitter.op("Flatten", [x], layout, {"axis": 1}, domain="")]
        shape = (*self.target, layout.width)
        return [emitter.op("Reshape", [x], layout, {}, {"shape": shape}, domain="")]


def make_reshape(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    x_shape: Shape,
    y_shape: Shape,
    facts: Facts,
) -> Candidate:
    """The candidate for giving x, of x_shape, the shape y_shape; for Flatten, Squeeze and Unsqueeze too."""
    if y_shape == x_shape:
        return make_slices(covers, x, y, dtype, {}, facts)
    axis = facts.channel_axis_of(x)
    x_port = port(x, x_shape, axis, dtype)
    axis = x_port.channel_axis
    x_shape = _implied(x_shape, y_shape)
    before, channels, after = x_shape[:axis], x_shape[axis], x_shape[axis + 1 :]
    for y_axis, size in enumerate(y_shape):
        if product(y_shape[:y_axis]) != product(before):
            continue
        rest = product(y_shape[y_axis + 1 :])
        if size == channels and rest == product(after):
            pixels = 1
            inside = (*y_shape[:y_axis], *y_shape[y_axis + 1 :])
        elif rest == 1 and isinstance(channels, int) and all(isinstance(s, int) for s in after):
            pixels = prod(s for s in after if isinstance(s, int))
            inside = y_shape[:y_axis] + y_shape[y_axis + 1 :]
            if size != channels * pixels:
                continue
        else:
            continue
        unpadded_last = (channels,) if x_port.layout.is_unpadded else ()
        old = (*before, *after, *unpadded_last)
        target = run_time_target((*inside, *unpadded_last), old, facts.can_compute)
        return Candidate(
            covers,
            Reshape(target, len(y_shape), y_axis, pixels),
            (x_port,),
            (port(y, y_shape, y_axis, dtype),),
            passes_wish=pixels == 1,
        )
    for make in _OTHERS:
        found = make(covers, x_port, y, x_shape, y_shape, facts)
        if found is not None:
            return found
    raise Refusal(f"{_text(x_shape)} -> {_text(y_shape)} splits the channels, or may split them")


_OTHERS = (
    make_split_heads,
    make_joined_heads,
    make_split_channels,
    make_merged_channels,
    make_pixels_as_channels,
)


def _implied(x_shape: Shape, y_shape: Shape) -> Shape:
    """x_shape; if the size of one dimension is unknown and y_shape is all known, that size follows."""
    unknown = [size for size in x_shape if not isinstance(size, int)]
    if len(unknown) != 1 or not all(isinstance(size, int) for size in y_shape):
        return x_shape
    size = quotient(product(y_shape), product(s for s in x_shape if isinstance(s, int)))
    return x_shape if size is None else tuple(s if isinstance(s, int) else size for s in x_shape)


def _text(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
