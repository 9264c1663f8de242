"""QMatMul: `saturate(rint((sum((x - x_zp) * (w - w_zp)) + bias) * multiplier) + y_zp)` over the last axis."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.candidate import Candidate, Port
from converter.constants import Quantization
from converter.errors import Refusal
from converter.layout import Layout
from converter.ops.requantization import bias_and_multiplier
from converter.packing import centered, pack_matmul
from converter.sizes import Shape


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
    packed_bias, multiplier = bias_and_multiplier(
        bias, w.T, x_quantization, weight_scales, y_quantization, alpha
    )
    return Candidate(
        covers,
        "QMatMul",
        inputs=(Port(x, Layout(rank, rank - 1, channels), x_quantization.dtype),),
        output=Port(y, Layout(rank, rank - 1, k), y_quantization.dtype),
        shape=(*x_shape[:-1], k),
        constants={"weight": pack_matmul(w), "bias": packed_bias, "multiplier": multiplier},
        attributes={"y_zero_point": y_quantization.island_zero_point, "y_min": clamp[0], "y_max": clamp[1]},
    )
