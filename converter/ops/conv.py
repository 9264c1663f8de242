"""QConv: `saturate(rint((sum((x - x_zp) * (w - w_zp)) + bias) * multiplier) + y_zp)`, channels-last."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.candidate import Candidate, Port
from converter.constants import Quantization
from converter.errors import Refusal
from converter.geometry import Geometry
from converter.layout import Layout
from converter.ops.requantization import bias_and_multiplier
from converter.packing import centered, pack_conv
from converter.sizes import Shape


def conv(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    x_quantization: Quantization,
    weight: NDArray[Any],
    weight_scales: NDArray[np.float32],
    weight_zero_points: NDArray[Any],
    bias: NDArray[Any] | None,
    y: ir.Value,
    y_quantization: Quantization,
    window: Geometry,
    group: int,
    x_shape: Shape,
    clamp: tuple[int, int] = (-128, 127),
) -> Candidate:
    """The candidate for a 2D convolution.

    weight: 8-bit `[K, C/group, R, S]`; weight_scales, weight_zero_points: `[1]` or `[K]`.
    bias: int32 `[K]`, in units of x_scale * w_scale. x_shape: `[N, C, H, W]`.
    clamp: where the result is cut off, in the int8 domain.
    """
    k = weight.shape[0]
    channels = weight.shape[1] * group
    if k % group:
        raise Refusal(f"its {k} output channels are not divided by {group} groups")
    if not weight.size:
        raise Refusal("its weights are empty")
    w = centered(weight, weight_zero_points.reshape(-1, 1, 1, 1))
    packed = pack_conv(w, group)
    packed_bias, multiplier = bias_and_multiplier(bias, w, x_quantization, weight_scales, y_quantization)
    height, width = window.output(x_shape[2], x_shape[3])
    return Candidate(
        covers,
        "QConv",
        inputs=(Port(x, Layout(4, 1, channels), x_quantization.dtype),),
        output=Port(y, Layout(4, 1, k), y_quantization.dtype),
        shape=(x_shape[0], k, height, width),
        constants={"weight": packed.weight, "bias": packed_bias, "multiplier": multiplier},
        attributes={
            "pads": window.pads,
            "strides": window.strides,
            "dilations": window.dilations,
            "group": packed.group,
            "x_zero_point": x_quantization.island_zero_point,
            "y_zero_point": y_quantization.island_zero_point,
            "y_min": clamp[0],
            "y_max": clamp[1],
        },
    )
