"""Pad of images and rows: QMaxPool of single pixels, which writes padding, or elements taken again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, shifted
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Port, Tensor, port
from qudnn.converter.lowering.each import Each
from qudnn.converter.lowering.take import Slice

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
        return Candidate(covers, _filled(x_port, amounts, island_fill), (x_port,), (y_port,))
    return Candidate(covers, _taken_again(shape, amounts, mode), (x_port,), (y_port,))


def _filled(x: Port, amounts: dict[int, tuple[int, int]], fill: int) -> Each:
    rank = len(x.shape)
    if rank not in (3, 4) or 0 in amounts:
        raise Refusal("it pads other dimensions than those of images and rows")
    inside = [amounts.get(axis, (0, 0)) for axis in x.layout.perm_in]
    if rank == 3:
        inside.insert(1, (0, 0))
    attributes: dict[str, Attribute] = {
        "kernel_shape": [1, 1],
        "pads": [0] * 4,
        "strides": [1, 1],
        "dilations": [1, 1],
        "ceil_mode": 0,
        "y_zero_point": fill,
        "y_pads": [before for before, _ in inside] + [after for _, after in inside],
    }
    return Each("QMaxPool", attributes, image=True)


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
