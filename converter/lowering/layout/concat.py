"""Concat: tensors one after the other; along channels, with their padding as gaps between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.types_between import differing
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, plus
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.port import Quantized, Tensor, port
from qudnn.converter.lowering.elementwise.table import all_values, island_table


@dataclass(frozen=True)
class Concat:
    """axis: outside. tables: what brings an input to the output's quantization, None where it has it."""

    axis: int
    tables: tuple[Int8Array | None, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        pieces = [emitter.dense(tensor) for tensor in tensors]
        if self.axis != pieces[0].layout.channel_axis:
            pieces = [emitter.moved(piece, pieces[0].layout) for piece in pieces]
        layout = pieces[0].layout
        joined = [
            piece if table is None else emitter.op("QTable", [piece], piece.layout, {}, {"table": table})
            for piece, table in zip(pieces, self.tables, strict=True)
        ]
        if len(joined) == 1:
            return joined
        if self.axis != layout.channel_axis:
            return [emitter.op("Concat", joined, layout, {"axis": layout.inside(self.axis)}, domain="")]
        positions: list[int] = []
        width = 0
        for piece in joined:
            positions += [width + position for position in piece.layout.positions]
            width += piece.layout.width
        layout = replace(layout, positions=tuple(positions), width=width)
        return [emitter.op("Concat", joined, layout, {"axis": -1}, domain="")]


def make_concat(
    covers: tuple[ir.Node, ...], inputs: Sequence[Quantized], y: Quantized, axis: int, facts: Facts
) -> Candidate:
    """The candidate for a concatenation of 8-bit values into y's quantization, along any axis."""
    shapes = [facts.ranked(x.value) for x in inputs]
    rank = len(shapes[0])
    if any(len(shape) != rank for shape in shapes) or not -rank <= axis < rank:
        raise Refusal("its inputs have different numbers of dimensions")
    axis %= rank
    channel_axis = facts.channel_axis_of(*(x.value for x in inputs))
    ports = tuple(
        port(x.value, shape, channel_axis, x.quantization.dtype)
        for x, shape in zip(inputs, shapes, strict=True)
    )
    if axis != channel_axis and len({p.shape[channel_axis] for p in ports}) > 1:
        raise Refusal("its inputs have different numbers of channels")
    if axis == channel_axis and any(p.layout.is_unpadded for p in ports):
        raise Refusal("it concatenates channels whose number is unknown")
    return Candidate(
        covers,
        Concat(axis, tuple(requantizing_table(x, y) for x in inputs)),
        ports,
        (port(y.value, _joined(shapes, axis), channel_axis, y.quantization.dtype),),
    )


def requantizing_table(x: Quantized, y: Quantized) -> Int8Array | None:
    """QL_y(DQ_x(q)) for all q, as QLinearConcat has it: `float(q - x_zp) * x_scale` into y's quantization.

    None where both have one quantization.
    """
    if x.quantization == y.quantization:
        return None
    (x_scale, x_zero_point, dtype), (y_scale, y_zero_point, y_dtype) = (
        (q.scale, q.zero_point, q.dtype) for q in (x.quantization, y.quantization)
    )
    if dtype != y_dtype:
        raise Refusal(differing(dtype, y_dtype))
    real = (all_values(dtype).astype(np.int32) - x_zero_point).astype(np.float32) * x_scale
    bounds = np.iinfo(dtype.numpy())
    low, high = np.float32(bounds.min - y_zero_point), np.float32(bounds.max - y_zero_point)
    quantized = np.rint(np.clip(real / y_scale, low, high)).astype(np.int32) + y_zero_point
    return island_table(quantized.astype(dtype.numpy()))


def _joined(shapes: Sequence[Shape], axis: int) -> Shape:
    size: Size = 0
    for shape in shapes:
        size = plus(size, shape[axis])
    return (*shapes[0][:axis], size, *shapes[0][axis + 1 :])
