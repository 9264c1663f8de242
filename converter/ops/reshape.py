"""Reshape, where the channels stay together: `[N,C,H,W] -> [N,C,H*W]`, or flattened, `-> [N,C*H*W]`."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx_ir as ir

from converter.candidate import Candidate, Tensor, port
from converter.emitter import Emitter
from converter.errors import Refusal
from converter.facts import Facts
from converter.layout import Layout, unpadded
from converter.sizes import Shape, Size, Unknown


@dataclass(frozen=True)
class Reshape:
    """target: the sizes inside the island, in Reshape's form, less the last where that is padded.

    pixels: how many elements of each channel become channels of their own.
    """

    target: tuple[int, ...]
    rank: int
    channel_axis: int
    pixels: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = tensors[0] if self.pixels == 1 else emitter.dense(tensors[0])
        if x.layout.is_unpadded:
            shape = np.array(self.target, np.int64)
            return [emitter.op("Reshape", [x], unpadded(self.rank), {}, {"shape": shape}, domain="")]
        channels, width = x.layout.positions, x.layout.width
        # Channel c of pixel p: c * pixels + p outside, and inside the pixels follow each other.
        positions = tuple(p * width + c for c in channels for p in range(self.pixels))
        layout = Layout(self.rank, self.channel_axis, positions, width * self.pixels)
        shape = np.array([*self.target, layout.width], np.int64)
        if self.target == (0,) and self.pixels == 1:
            return [emitter.op("Flatten", [x], layout, {"axis": 1}, domain="")]
        return [emitter.op("Reshape", [x], layout, {}, {"shape": shape}, domain="")]


def reshape(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    x_shape: Shape,
    y_shape: Shape,
    facts: Facts,
) -> Candidate:
    """The candidate for giving x, of x_shape, the shape y_shape; for Flatten, Squeeze and Unsqueeze too."""
    axis = facts.channel_axis_of(x)
    x_port = port(x, x_shape, axis, dtype)
    axis = x_port.channel_axis
    x_shape = _implied(x_shape, y_shape)
    before, channels, behind = x_shape[:axis], x_shape[axis], x_shape[axis + 1 :]
    for y_axis, size in enumerate(y_shape):
        if _product(y_shape[:y_axis]) != _product(before):
            continue
        rest = _product(y_shape[y_axis + 1 :])
        if size == channels and rest == _product(behind):
            pixels = 1
            inside = (*y_shape[:y_axis], *y_shape[y_axis + 1 :])
        elif rest == (1, ()) and isinstance(channels, int) and all(isinstance(s, int) for s in behind):
            pixels = prod(s for s in behind if isinstance(s, int))
            inside = y_shape[:y_axis] + y_shape[y_axis + 1 :]
            if size != channels * pixels:
                continue
        else:
            continue
        unpadded_last = (channels,) if x_port.layout.is_unpadded else ()
        target = _target((*inside, *unpadded_last), (*before, *behind, *unpadded_last))
        return Candidate(
            covers,
            Reshape(target, len(y_shape), y_axis, pixels),
            (x_port,),
            (port(y, y_shape, y_axis, dtype),),
        )
    raise Refusal(f"{_text(x_shape)} -> {_text(y_shape)} tears the channels apart, or is not known not to")


def _implied(x_shape: Shape, y_shape: Shape) -> Shape:
    """x_shape; if the size of one dimension is unknown and y_shape is all known, that size follows."""
    (known, unknown), (total, rest) = _product(x_shape), _product(y_shape)
    if len(unknown) != 1 or rest or not known or total % known:
        return x_shape
    return tuple(size if isinstance(size, int) else total // known for size in x_shape)


def _product(sizes: Shape) -> tuple[int, tuple[Unknown, ...]]:
    """The product of known sizes, and the unknown ones."""
    unknown = sorted((s for s in sizes if isinstance(s, Unknown)), key=str)
    return prod(s for s in sizes if isinstance(s, int)), tuple(unknown)


def _target(sizes: Shape, old: Shape) -> tuple[int, ...]:
    """sizes in Reshape's form: 0 for one that stays in its place, -1 for one that cannot be said."""
    target: list[int] = []
    for place, size in enumerate(sizes):
        if place < len(old) and size == old[place]:
            target.append(0)
        elif isinstance(size, int):
            target.append(size)
        elif -1 in target:
            raise Refusal("several of its sizes are unknown")
        else:
            target.append(-1)
    return tuple(target)


def resolved(target: Sequence[Size], x_shape: Shape, allow_zero: bool) -> Shape:
    """The shape that Reshape's target means for an input of x_shape; unknown sizes in it count as such."""
    sizes: list[Size] = []
    for place, size in enumerate(target):
        if size == 0 and not allow_zero:
            if place >= len(x_shape):
                raise Refusal("its shape refers to a dimension that its input lacks")
            sizes.append(x_shape[place])
        else:
            sizes.append(size)
    if -1 in sizes:
        place = sizes.index(-1)
        (known, unknown), (all_known, all_unknown) = (
            _product((*sizes[:place], *sizes[place + 1 :])),
            _product(x_shape),
        )
        left = list(all_unknown)
        for name in unknown:
            if name not in left:
                raise Refusal("its shape is not known")
            left.remove(name)
        if not left and known and all_known % known == 0:
            sizes[place] = all_known // known
        elif len(left) == 1 and all_known == known:
            sizes[place] = left[0]
        else:
            sizes[place] = Unknown(f"({all_known}/{known})*{'*'.join(map(str, left))}")
    return tuple(sizes)


def _text(shape: Shape) -> str:
    return "[" + ", ".join(str(s) if isinstance(s, int) else s.name for s in shape) + "]"
