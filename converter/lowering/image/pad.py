"""Pad of images, rows, volumes: QMaxPool of single pixels, which writes padding, or elements taken again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, shifted
from qudnn.converter.island.candidate import Candidate, Op
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Port, Tensor, port
from qudnn.converter.lowering.each import Each
from qudnn.converter.lowering.layout.take import Slice

# What they take at places before and behind the `size` elements of an axis.
_MODES: dict[str, Callable[[int, int], int]] = {
    "edge": lambda place, size: min(max(place, 0), size - 1),
    "reflect": lambda place, size: size - 1 - abs(size - 1 - abs(place)),
    "wrap": lambda place, size: place % size,
}


@dataclass(frozen=True)
class TakenAgain:
    """Which elements of an axis of the tensor outside the result has."""

    indices: dict[int, tuple[int, ...]]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        (x,) = tensors
        for axis, indices in self.indices.items():
            constants = {"indices": np.array(indices, np.int64)}
            x = emitter.op("Gather", [x], x.layout, {"axis": x.layout.inside(axis)}, constants, domain="")
        return [x]


def make_pad(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    shape: Shape,
    channel_axis: int,
    pads: Sequence[int],
    mode: str,
    fill: int,
) -> Candidate:
    """The candidate for a Pad. pads: as ONNX has them, none negative. fill: of 8 bits, as outside."""
    rank = len(shape)
    amounts = {
        axis: (pads[axis], pads[axis + rank]) for axis in range(rank) if pads[axis] or pads[axis + rank]
    }
    x_port = port(x, shape, channel_axis, dtype)
    if not amounts:
        return Candidate(covers, Slice({}), (x_port,), (port(y, shape, x_port.channel_axis, dtype),))
    if x_port.channel_axis in amounts:
        raise Refusal("it pads channels")
    y_shape = tuple(shifted(size, sum(amounts.get(axis, (0, 0)))) for axis, size in enumerate(shape))
    y_port = port(y, y_shape, x_port.channel_axis, dtype)
    if mode == "constant":
        island_fill = fill - 128 if dtype == ir.DataType.UINT8 else fill
        return Candidate(covers, _filled(x_port, y_port, amounts, island_fill), (x_port,), (y_port,))
    return Candidate(covers, _taken_again(shape, amounts, mode), (x_port,), (y_port,))


@dataclass(frozen=True)
class FilledVolume:
    """images, volume: of QMaxPool, in the images of a volume and then across them, or None.

    shapes: before each of the two, and after both, without the channels, in Reshape's form.
    """

    images: Mapping[str, Attribute] | None
    volume: Mapping[str, Attribute] | None
    shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        layout, image = x.layout, x.layout.seen_as(4, 1)
        for shape, attributes in zip(self.shapes, (self.images, self.volume), strict=False):
            if attributes is not None:
                target = {"image": np.array([*shape, layout.width], np.int64)}
                x = emitter.standard("Reshape", x, image, target)
                x = emitter.op("QMaxPool", [x], image, attributes)
        target = {"shape": np.array([*self.shapes[2], layout.width], np.int64)}
        return [emitter.op("Reshape", [x], layout, {}, target, domain="")]


def _filled(x: Port, y: Port, amounts: dict[int, tuple[int, int]], fill: int) -> Op:
    rank = len(x.shape)
    if 0 in amounts or rank not in (3, 4, 5):
        raise Refusal("it pads other dimensions than those of images, rows and volumes")
    inside = [amounts.get(axis, (0, 0)) for axis in x.layout.perm_in]
    if rank < 5:
        return Each("QMaxPool", _around(inside[1:-1], fill), image=True)
    sizes = [x.shape[axis] for axis in x.layout.perm_in[1:-1]]
    after = [y.shape[axis] for axis in x.layout.perm_in[1:-1]]
    if not all(isinstance(size, int) for size in (*sizes, *after)):
        raise Refusal("the size of the volumes that it pads is unknown")
    (d, h, w), (p, q, r) = ([size for size in each if isinstance(size, int)] for each in (sizes, after))
    shapes = (-1, h, w), (-1, d, q * r), (-1, p, q, r)
    volume = _around([inside[1], (0, 0)], fill) if any(inside[1]) else None
    return FilledVolume(_around(inside[2:4], fill) if any(map(any, inside[2:4])) else None, volume, shapes)


def _around(pads: Sequence[tuple[int, int]], fill: int) -> dict[str, Attribute]:
    """The attributes of a QMaxPool that adds these to the height and width of images, or to a row."""
    both = [(0, 0)] * (2 - len(pads)) + list(pads)
    inside = [(0, 0), *both, (0, 0)]
    return {
        "kernel_shape": [1, 1],
        "pads": [0] * 4,
        "strides": [1, 1],
        "dilations": [1, 1],
        "ceil_mode": 0,
        "y_zero_point": fill,
        "y_pads": [before for before, _ in inside] + [behind for _, behind in inside],
    }


def _taken_again(shape: Shape, amounts: dict[int, tuple[int, int]], mode: str) -> TakenAgain:
    """At most once around: ONNX has no rule for more, nor does onnxruntime's kernel for 8 bits."""
    if mode not in _MODES:
        raise Refusal(f"its mode {mode} is not supported")
    indices = {}
    for axis, (before, after) in amounts.items():
        size = shape[axis]
        if not isinstance(size, int):
            raise Refusal("the size of what it pads is unknown")
        if max(before, after) > size - (mode == "reflect"):
            raise Refusal("it pads more than there is")
        indices[axis] = tuple(_MODES[mode](place, size) for place in range(-before, size + after))
    return TakenAgain(indices)
