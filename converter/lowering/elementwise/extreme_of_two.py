"""The greater or lesser of functions of two 8-bit tensors, quantized: two QTableAdd in a row.

Quantization keeps the order of numbers, so that the extreme of quantized numbers A and B is the extreme,
quantized. In integers, each of which fits into 8 bits less 128:

    max(A, B) = A + max(B - A, 0)                    min(A, B) = A - max(A - B, 0)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Quantized, Tensor, port
from qudnn.converter.lowering.elementwise.binary import common_layout, result_port
from qudnn.converter.lowering.elementwise.table_binary import FloatArray, Looked, packed

_ONE = np.ones(1, np.float32)
_EXCESS = np.arange(256).astype(np.float32)  # of one over the other, from its int8 form


@dataclass(frozen=True)
class ExtremeOfTwo:
    """tables: of the two tensors, whole numbers. usual: the plain layout. clamp: of the result."""

    is_max: bool
    tables: tuple[FloatArray, FloatArray]
    usual: Layout
    clamp: tuple[int, int]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        dense = [emitter.dense(tensor) for tensor in tensors]
        layout = common_layout(dense, self.usual)
        a, b = (emitter.moved(tensor, layout) for tensor in dense)
        first, second = self.tables
        by = (-first, second) if self.is_max else (first, -second)
        excess = emitter.op("QTableAdd", [a, b], layout, _whole(-128, (-128, 127)), packed(by, _ONE, layout))
        rest = first, _EXCESS if self.is_max else -_EXCESS
        return [
            emitter.op("QTableAdd", [a, excess], layout, _whole(0, self.clamp), packed(rest, _ONE, layout))
        ]


def make_extreme_of_two(
    is_max: bool,
    covers: tuple[ir.Node, ...],
    operands: tuple[Looked, Looked],
    y: Quantized,
    clamp: tuple[int, int],
    facts: Facts,
) -> Candidate:
    """The candidate for `max(f(a), g(b))` or `min(f(a), g(b))`, as make_table_binary makes others."""
    values = [operand.x for operand in operands]
    axis = facts.channel_axis_of(*values)
    y_port = result_port(y, [facts.ranked(value) for value in values], values, axis, facts)
    a, b = (_quantized(operand.values, y.quantization) for operand in operands)
    return Candidate(
        covers,
        ExtremeOfTwo(is_max, (a, b), y_port.layout, clamp),
        tuple(port(o.x, facts.ranked(o.x), axis, o.dtype) for o in operands),
        (y_port,),
    )


def _whole(zero_point: int, limits: tuple[int, int]) -> dict[str, Attribute]:
    return {"y_zero_point": zero_point, "y_min": limits[0], "y_max": limits[1]}


def _quantized(numbers: FloatArray, y: Quantization) -> FloatArray:
    """What QuantizeLinear makes of them, in the int8 domain, as whole numbers in float32."""
    if np.isnan(numbers).any():
        raise Refusal("one of its operands may be no number")
    zero_point = y.island_zero_point
    with np.errstate(over="ignore"):
        scaled = numbers / y.scale
    steps: FloatArray = np.rint(np.clip(scaled, np.float32(-128 - zero_point), np.float32(127 - zero_point)))
    return steps + np.float32(zero_point)
