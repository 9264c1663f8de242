"""DynamicQBatchMatMul: `float(sum((a - a_zp) * (b - b_zp))) * (a_scale * b_scale)`, quantized at run time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.dynamic_matmuls import WeightTerms
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import ALL, Layout, plain, unpadded
from qudnn.converter.island.packing import Float32Array, scattered
from qudnn.converter.island.port import Port, Tensor, port_outside
from qudnn.converter.lowering.elementwise.binary import island_array
from qudnn.converter.lowering.gemm.batch_matmul import all_of, broadcast

# So that bias and multiplier, which come with a quantized tensor, are its zero point and scale.
_AS_THEY_ARE = WeightTerms(np.array([-1], np.int32), np.ones(1, np.float32))


@dataclass(frozen=True)
class ConstantFactor:
    """A constant operand: 8-bit elements and their quantization."""

    array: NDArray[Any]
    quantization: Quantization


# A float32 tensor and its shape, to be quantized as DynamicQuantizeLinear does, or a constant.
Factor = tuple[ir.Value, Shape] | ConstantFactor


def shape_of(factor: Factor) -> Shape:
    """Outside."""
    return factor.array.shape if isinstance(factor, ConstantFactor) else factor[1]


@dataclass(frozen=True)
class _Parameters:
    """Of an operand inside, all but its elements `[1]`: int32 and float32."""

    tensor: Tensor
    zero_point: ir.Value
    scale: ir.Value


@dataclass(frozen=True)
class DynamicBatchMatMul:
    """a, b: which of the tensors is quantized, or a constant. layouts: of both, inside.

    addend: `[N]`, of the float32 result; None without.
    """

    a: int | ConstantFactor
    b: int | ConstantFactor
    layouts: tuple[Layout, Layout]
    rank: int
    addend: Float32Array | None

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        operands = (self.a, self.b)
        a, b = (
            _parameters(what, operand, layout, tensors, emitter)
            for what, operand, layout in zip("ab", operands, self.layouts, strict=True)
        )
        layout = self.layouts[1]
        b_perm = list(range(layout.rank))
        if layout.channel_axis != layout.rank - 1:
            b_perm[-2:] = reversed(b_perm[-2:])
        parameters = [a.zero_point, b.zero_point, a.scale, b.scale]
        y = emitter.op(
            "DynamicQBatchMatMul",
            [a.tensor, b.tensor, *(Tensor(value, unpadded(1)) for value in parameters)],
            unpadded(self.rank),
            {
                "a_perm": list(range(self.layouts[0].rank)),
                "b_perm": b_perm,
                "y_perm": list(range(self.rank)),
                **all_of("a", self.layouts[0]),
                **all_of("b", layout),
            },
            dtype=ir.DataType.FLOAT,
        )
        if self.addend is not None:
            y = emitter.standard("Add", y, y.layout, {"addend": self.addend})
        return [y]


def _parameters(
    what: str, operand: int | ConstantFactor, layout: Layout, tensors: Sequence[Tensor], emitter: Emitter
) -> _Parameters:
    if isinstance(operand, int):
        quantized, zero_point, scale = emitter.quantized(
            tensors[operand], layout, _AS_THEY_ARE, aligned=False
        )
        return _Parameters(quantized, zero_point.value, scale.value)
    lying = island_array(operand.array).transpose(layout.perm_in)
    elements = np.ascontiguousarray(scattered(lying, -1, layout.positions, layout.width))
    given = operand.quantization
    return _Parameters(
        Tensor(emitter.constant(what, elements), layout),
        emitter.constant(f"{what}_zero_point", np.array([given.island_zero_point], np.int32)),
        emitter.constant(f"{what}_scale", np.array([given.scale], np.float32)),
    )


def make_dynamic_batch_matmul(
    covers: tuple[ir.Node, ...],
    a: Factor,
    b: Factor,
    addend: Float32Array | None,
    y: ir.Value,
) -> Candidate:
    """The candidate for a matmul of two tensors, of which at least one is quantized at run time.

    a, b: of 2 dimensions or more, as numpy.matmul has it. addend: `[N]`, of the float32 result y.
    """
    shapes = [shape_of(operand) for operand in (a, b)]
    for shape, what in zip(shapes, ("left", "right"), strict=True):
        if len(shape) < 2:
            raise Refusal(f"its {what} input has {len(shape)} dimensions, not 2 or more")
    (*a_batch, rows, depth), (*b_batch, other_depth, columns) = shapes
    if isinstance(depth, int) and isinstance(other_depth, int) and depth != other_depth:
        raise Refusal(f"its inputs do not match: {depth} columns and {other_depth} rows")
    depth = depth if isinstance(depth, int) else other_depth
    along_depth = isinstance(depth, int) and not isinstance(columns, int)
    b_rank = len(shapes[1])
    layouts = (
        plain(len(shapes[0]), len(shapes[0]) - 1, depth if isinstance(depth, int) else ALL),
        plain(b_rank, b_rank - 2, depth)
        if isinstance(depth, int) and along_depth
        else plain(b_rank, b_rank - 1, columns if isinstance(columns, int) else ALL),
    )
    batch = broadcast(tuple(a_batch), tuple(b_batch))
    ports: list[Port] = []
    operands = [_operand(operand, ports) for operand in (a, b)]
    rank = len(batch) + 2
    return Candidate(
        covers,
        DynamicBatchMatMul(operands[0], operands[1], layouts, rank, addend),
        tuple(ports),
        (port_outside(y, (*batch, rows, columns), ir.DataType.FLOAT),),
    )


def _operand(operand: Factor, ports: list[Port]) -> int | ConstantFactor:
    if isinstance(operand, ConstantFactor):
        return operand
    ports.append(port_outside(*operand, ir.DataType.FLOAT))
    return len(ports) - 1
