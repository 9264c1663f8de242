"""QTableAdd, QTableMul, QTableDiv: functions of two 8-bit tensors in float32, combined, then quantized."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import scattered
from qudnn.converter.island.port import Quantized, Tensor, port
from qudnn.converter.lowering.elementwise.binary import common_layout, result_port

FloatArray = NDArray[np.float32]


class TableFunction(Enum):
    """The op that computes it."""

    ADD = "QTableAdd"
    MUL = "QTableMul"
    DIV = "QTableDiv"


class Looked(NamedTuple):
    """A function of a tensor: values `[256]`, or `[C, 256]` of one for each of its channels, x ascending."""

    x: ir.Value
    dtype: ir.DataType
    values: FloatArray


@dataclass(frozen=True)
class TableBinary:
    """tables: of the two tensors. y_scale: `[1]`, or `[C]` of each channel. usual: the plain layout."""

    op_type: str
    tables: tuple[FloatArray, FloatArray]
    y_scale: FloatArray
    usual: Layout
    attributes: Mapping[str, Attribute]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        dense = [emitter.dense(tensor) for tensor in tensors]
        layout = common_layout(dense, self.usual)
        inputs = [emitter.moved(tensor, layout) for tensor in dense]
        constants = packed(self.tables, self.y_scale, layout)
        return [emitter.op(self.op_type, inputs, layout, self.attributes, constants)]


def packed(tables: Sequence[FloatArray], y_scale: FloatArray, layout: Layout) -> dict[str, FloatArray]:
    """The tables of a and b, with a row for each place of the layout, and the scales of y."""
    constants = {
        f"{name}_table": table
        if table.ndim == 1 or layout.is_unpadded
        else scattered(table, 0, layout.positions, layout.width)
        for name, table in zip("ab", tables, strict=True)
    }
    if y_scale.size > 1 and not layout.is_unpadded:
        y_scale = scattered(y_scale, 0, layout.positions, layout.width)
        y_scale[y_scale == 0] = 1  # padding is divided, too
    return {**constants, "y_scale": y_scale}


def make_table_binary(
    function: TableFunction,
    covers: tuple[ir.Node, ...],
    operands: tuple[Looked, Looked],
    y: Quantized,
    clamp: tuple[int, int],
    divisors: FloatArray | None,
    facts: Facts,
) -> Candidate:
    """The candidate for `f(a) + g(b)`, `f(a) * g(b)` or `f(a) / g(b)`, broadcast as ONNX does.

    Channels, of which tables have a row each, are along the axis that channel_axis_of() says of both
    tensors. clamp: into which interval results go, in the int8 domain. divisors: `[C]`, by which channels of
    the result are divided before they are quantized with a scale of 1.
    """
    values = [operand.x for operand in operands]
    axis = facts.channel_axis_of(*values)
    y_port = result_port(y, [facts.ranked(value) for value in values], values, axis, facts)
    y_scale = y.quantization.scale.reshape(1) if divisors is None else divisors
    attributes: dict[str, Attribute] = {
        "y_zero_point": y.quantization.island_zero_point,
        "y_min": clamp[0],
        "y_max": clamp[1],
    }
    a, b = operands
    return Candidate(
        covers,
        TableBinary(function.value, (a.values, b.values), y_scale, y_port.layout, attributes),
        tuple(port(o.x, facts.ranked(o.x), axis, o.dtype) for o in operands),
        (y_port,),
    )
