"""QMatMul: `saturate(rint((sum((x - x_zp) * (w - w_zp)) + bias) * multiplier) + y_zp)` over the last axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.candidate import Candidate, Tensor, port
from converter.constants import Quantization
from converter.emitter import Emitter
from converter.errors import Refusal
from converter.layout import Layout, plain
from converter.ops.requantization import bias_and_multiplier
from converter.packing import Float32Array, Int8Array, Int32Array, centered, scattered
from converter.sizes import Shape


@dataclass(frozen=True)
class MatMul:
    """weight: `[C, K]`, less its zero point; bias, multiplier: `[K]`, zero points folded in."""

    weight: Int8Array
    bias: Int32Array
    multiplier: Float32Array
    y_zero_point: int
    clamp: tuple[int, int]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        (x,) = tensors
        layout = plain(x.layout.rank, x.layout.channel_axis, self.weight.shape[1])
        weight = scattered(self.weight.T, 1, x.layout.positions, x.layout.width)
        constants = {
            "weight": scattered(weight, 0, layout.positions, layout.width),
            "bias": scattered(self.bias, 0, layout.positions, layout.width),
            "multiplier": scattered(self.multiplier, 0, layout.positions, layout.width),
        }
        attributes = {"y_zero_point": self.y_zero_point, "y_min": self.clamp[0], "y_max": self.clamp[1]}
        return [emitter.op("QMatMul", [x], layout, attributes, constants)]


def matmul(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    x_quantization: Quantization,
    weight: NDArray[Any],
    weight_scales: NDArray[np.float32],
    weight_zero_points: NDArray[Any],
    bias: NDArray[Any] | None,
    y: ir.Value,
    y_quantization: Quantization,
    x_shape: Shape,
    alpha: float = 1.0,
    clamp: tuple[int, int] = (-128, 127),
) -> Candidate:
    """The candidate for a matrix product with constant weights.

    x: `x_shape` = `[..., C]`, of 2 dimensions or more; weight: 8-bit `[C, K]`; weight_scales,
    weight_zero_points: `[1]` or `[K]`; bias: int32 `[K]`, in units of alpha * x_scale * w_scale.
    clamp: where the result is cut off, in the int8 domain.
    """
    if weight.ndim != 2:
        raise Refusal(f"its weights have {weight.ndim} dimensions, not 2")
    if not weight.size:
        raise Refusal("its weights are empty")
    rank = len(x_shape)
    if rank < 2:
        raise Refusal(f"its input has {rank} dimensions, not 2 or more")
    channels, k = weight.shape
    w = centered(weight, weight_zero_points.reshape(1, -1))
    folded_bias, multiplier = bias_and_multiplier(
        bias, w.T, x_quantization, weight_scales, y_quantization, alpha
    )
    return Candidate(
        covers,
        MatMul(w, folded_bias, multiplier, y_quantization.island_zero_point, clamp),
        (port(x, (*x_shape[:-1], channels), rank - 1, x_quantization.dtype),),
        (port(y, (*x_shape[:-1], k), rank - 1, y_quantization.dtype),),
    )
