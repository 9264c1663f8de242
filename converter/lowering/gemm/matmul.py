"""QMatMul, QMatMulToFloat: `sum((x - x_zp) * (w - w_zp)) + bias` over the last axis, w constant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, plain, unpadded
from qudnn.converter.island.packing import Float32Array, Int8Array, Int32Array, fold_zero_point, scattered
from qudnn.converter.island.port import Tensor
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.matmul_result import InFloat, Requantized, multiplier


@dataclass(frozen=True)
class MatMul:
    """weight: `[K, C]`, less its zero point; bias, multiplier: `[K]`, zero points folded in.

    channel_axis: of the result outside.
    """

    weight: Int8Array
    bias: Int32Array
    multiplier: Float32Array
    result: Requantized | InFloat
    channel_axis: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        (x,) = tensors
        k = len(self.weight)
        weight = scattered(self.weight, 1, x.layout.positions, x.layout.width)
        if isinstance(self.result, InFloat):
            addend = np.broadcast_to(self.result.addends, (k,)).copy()
            constants = {"weight": weight, "bias": self.bias, "multiplier": self.multiplier, "addend": addend}
            layout = unpadded(x.layout.rank)
            return [emitter.op("QMatMulToFloat", [x], layout, {}, constants, dtype=ir.DataType.FLOAT)]
        usual = plain(x.layout.rank, self.channel_axis, k)
        layout = wish if wish is not None and wish.channels == k else usual
        arrays = {"weight": weight, "bias": self.bias, "multiplier": self.multiplier}
        packed = {what: scattered(a, 0, layout.positions, layout.width) for what, a in arrays.items()}
        return [emitter.op("QMatMul", [x], layout, self.result.attributes, packed)]


def make_matmul(
    covers: tuple[ir.Node, ...],
    a: Factor,
    b: Factor,
    weight: Int8Array,
    bias: Int32Array,
    alpha: float,
    result: Requantized | InFloat,
) -> Candidate:
    """The candidate for a matmul with a constant matrix.

    a: of any rank, quantized per tensor. weight: `[C, K]`, that of b less its zero points. bias: `[K]`, in
    units of alpha times the scales of a and b.
    """
    channels, k = weight.shape
    rows = a.shape[: a.contracted], a.shape[a.contracted + 1 :]
    x = replace(a, shape=(*rows[0], channels, *rows[1])).port(a.contracted)
    op = MatMul(
        np.ascontiguousarray(weight.T),
        fold_zero_point(bias, weight.T, int(a.island_zero_points[0])),
        np.broadcast_to(multiplier(alpha, a.scales, b.scales, result), (k,)).copy(),
        result,
        a.rank - 1,
    )
    return Candidate(covers, op, (x,), (result.port((*rows[0], *rows[1], k), a.rank - 1),))
