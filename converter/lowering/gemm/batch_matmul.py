"""QBatchMatMul, QBatchMatMulToFloat, QBatchMatMulToInt32: matmuls of two computed tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, Unknown, unknown
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import ALL, Layout, plain
from qudnn.converter.island.packing import Int8Array, Int32Array, scattered
from qudnn.converter.island.port import Port, Tensor
from qudnn.converter.lowering.elementwise.binary import island_array
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.matmul_result import InFloat, MatMulResult, Requantized, Sums, multiplier

_OPS = {
    Requantized: ("QBatchMatMul", ir.DataType.INT8),
    InFloat: ("QBatchMatMulToFloat", ir.DataType.FLOAT),
    Sums: ("QBatchMatMulToInt32", ir.DataType.INT32),
}
_AXIS = {"axes": np.array([-2], np.int64)}

Operand = int | tuple[Int8Array, Layout]


@dataclass(frozen=True)
class BatchMatMul:
    """left, right: which of the tensors, or a constant and how it lies, with the contracted axis last.

    right_contracted: the axis of right, outside, that is summed over; that of left is last. squeezes: whether
    the result loses its axis of one row. y: the layout of what remains.
    """

    left: Operand
    right: Operand
    right_contracted: int
    rank: int
    squeezes: bool
    y: Layout
    result: MatMulResult
    attributes: Mapping[str, Attribute]
    constants: Mapping[str, NDArray[Any]]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        a = _tensor("a", self.left, tensors, emitter)
        b = _tensor("b", self.right, tensors, emitter)
        if a.layout.rank == 1:
            a = emitter.standard("Unsqueeze", a, a.layout.seen_as(2, 1), _AXIS)
        as_written = b.layout.channel_axis != self.right_contracted
        b_perm = list(range(b.layout.rank))
        if not as_written:
            b_perm[-2:] = reversed(b_perm[-2:])
        attributes: dict[str, Attribute] = {
            "a_perm": list(range(a.layout.rank)),
            "b_perm": b_perm,
            "y_perm": list(range(self.rank)),
            **all_of("a", a.layout),
            **all_of("b", b.layout),
            **self.attributes,
        }
        op_type, dtype = _OPS[type(self.result)]
        if isinstance(self.result, Requantized):
            attributes |= {"pads": [0] * (2 * self.rank - 1) + self.y.pads_in[-1:], **self.result.attributes}
        before = self.y.seen_as(self.rank, self.rank - 1) if self.squeezes else self.y
        y = emitter.op(op_type, [a, b], before, attributes, self.constants, dtype=dtype)
        return [emitter.standard("Squeeze", y, self.y, _AXIS)] if self.squeezes else [y]


def all_of(name: str, layout: Layout) -> dict[str, Attribute]:
    """The attributes with which a matmul reads all of an input but its padding."""
    others = layout.rank - 1
    return {f"{name}_starts": [0] * layout.rank, f"{name}_ends": [ALL] * others + [layout.channels]}


def _tensor(what: str, operand: Operand, tensors: Sequence[Tensor], emitter: Emitter) -> Tensor:
    if isinstance(operand, int):
        return emitter.plain(tensors[operand])
    array, layout = operand
    return Tensor(emitter.constant(what, array), layout)


def make_batch_matmul(
    covers: tuple[ir.Node, ...],
    a: Factor,
    b: Factor,
    bias: Int32Array | None,
    alpha: float,
    result: MatMulResult,
    facts: Facts,
) -> Candidate:
    """The candidate for a matmul as numpy.matmul has it: matrices with their batches broadcast, or vectors.

    bias: `[N]`, in units of alpha times the scales of a and b.
    """
    # Only the right one may have scales for its columns. (a b)^T = b^T a^T, and a^T is read as it lies.
    swapped = b.rank == 1 or not a.is_per_tensor
    left, right = (b, a) if swapped else (a, b)
    if right.rank == 1:
        raise Refusal("it multiplies two vectors: the result is a single number")
    if not left.is_per_tensor:
        raise Refusal("both of its inputs have scales or zero points for their rows or columns")
    if right.rank > 2 and right.zero_points.size > 1:
        raise Refusal("it has zero points that differ by row or column, in several matrices")
    squeezes = left.rank == 1
    if swapped and not squeezes and (bias is not None or not isinstance(result, Requantized)):
        raise Refusal("its left input has scales or zero points for its rows")
    row = left.as_row()
    batch = broadcast(row.shape[:-2], right.shape[:-2])
    rows, columns = row.shape[row.free], right.shape[right.free]
    rank = len(batch) + 2
    shape, channel_axis = (*batch, rows, columns), rank - 1
    if squeezes:
        shape, channel_axis = (*batch, columns), rank - 2
    elif swapped:
        shape, channel_axis = (*batch, columns, rows), rank - 2
    y = result.port(shape, channel_axis)
    ports: list[Port] = []
    op = BatchMatMul(
        _operand(row, left.contracted, left, ports),
        _operand(right, right.last_axis(facts), right, ports),
        right.contracted,
        rank,
        squeezes,
        y.layout,
        result,
        {"a_zero_point": int(left.island_zero_points[0])},
        _constants(left, right, bias, alpha, result),
    )
    return Candidate(covers, op, tuple(ports), (y,))


def _operand(matrix: Factor, last_axis: int, computed: Factor, ports: list[Port]) -> Operand:
    if matrix.array is None:
        ports.append(computed.port(last_axis))
        return len(ports) - 1
    depth = matrix.array.shape[matrix.contracted]
    layout = plain(matrix.rank, matrix.contracted, depth)
    lying = island_array(matrix.array).transpose(layout.perm_in)
    return np.ascontiguousarray(scattered(lying, -1, layout.positions, layout.width)), layout


def _constants(
    left: Factor, right: Factor, bias: Int32Array | None, alpha: float, result: MatMulResult
) -> dict[str, NDArray[Any]]:
    zero_points: dict[str, NDArray[Any]] = {"b_zero_point": right.island_zero_points}
    if isinstance(result, Sums):
        return zero_points
    constants: dict[str, NDArray[Any]] = {
        "bias": np.zeros(1, np.int32) if bias is None else bias,
        "multiplier": multiplier(alpha, left.scales, right.scales, result),
        **zero_points,
    }
    return constants | {"addend": result.addends} if isinstance(result, InFloat) else constants


def broadcast(a: Shape, b: Shape) -> Shape:
    """What the dimensions of two batches are broadcast to; unknown ones that differ become a new one."""
    rank = max(len(a), len(b))
    pairs = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    return tuple(_one_size(x, y) for x, y in pairs)


def _one_size(x: Size, y: Size) -> Size:
    if x == y or y == 1:
        return x
    if x == 1:
        return y
    if isinstance(x, Unknown) and isinstance(y, Unknown):
        return unknown(f"broadcast({x},{y})")
    return x if isinstance(x, int) else y
