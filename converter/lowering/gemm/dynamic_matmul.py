"""DynamicQMatMul: `(float(sum((x - x_zp) * (w - w_zp))) * (x_scale * w_scale)) + addend`"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.dynamic_matmuls import WeightTerms
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout, plain, unpadded
from qudnn.converter.island.packing import Float32Array, Split, scattered, split_beyond_int8, weight_sums
from qudnn.converter.island.port import Tensor, port_outside
from qudnn.converter.lowering.weights import Weights


@dataclass(frozen=True)
class DynamicMatMul:
    """split: the weight `[K, D]`; scale, addend: `[K]`; channels: of x, outside."""

    split: Split
    scale: Float32Array
    addend: Float32Array
    channels: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        rank = tensors[0].layout.rank
        part = WeightTerms(weight_sums(self.split.weight), self.scale)
        layout = plain(rank, rank - 1, self.channels)
        quantized, bias, multiplier = emitter.quantized(tensors[0], layout, part)
        x = emitter.repeated(quantized, self.split.channels)
        packed = scattered(self.split.weight, 1, x.layout.positions, x.layout.width)
        weight = Tensor(emitter.constant("weight", packed), unpadded(2))
        return [
            emitter.op(
                "DynamicQMatMul",
                (x, weight, bias, multiplier),
                unpadded(rank),
                {"first": 0},
                {"addend": self.addend},
                dtype=ir.DataType.FLOAT,
            )
        ]


def make_dynamic_matmul(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    x_shape: Shape,
    weights: Weights,
    addend: Float32Array | None,
    y: ir.Value,
) -> Candidate:
    """The candidate for a matmul of a float32 tensor, quantized as DynamicQuantizeLinear does.

    x: float32 `x_shape` = `[..., C]`, of 2 dimensions or more; weights: `[C, K]`, their scales `[K]`; addend:
    `[K]`, of the float32 result y. Weights that exceed int8 without their zero point are split into several.
    """
    rank = len(x_shape)
    if rank < 2:
        raise Refusal(f"its input has {rank} dimensions, not 2 or more")
    channels, k = weights.values.shape
    split = split_beyond_int8(weights.values.T, weights.zero_points.reshape(-1, 1))
    nothing = np.full(k, -0.0, np.float32)
    return Candidate(
        covers,
        DynamicMatMul(split, weights.scales, nothing if addend is None else addend, channels),
        (port_outside(x, (*x_shape[:-1], channels), ir.DataType.FLOAT),),
        (port_outside(y, (*x_shape[:-1], k), ir.DataType.FLOAT),),
    )
