"""QConvToFloat and QConvFloatAdd."""

from typing import Any

import numpy as np

from oracles.arithmetic import Array
from oracles.conv import q_conv_to_int32
from oracles.float_binary import combined, real
from oracles.matmul import dequantize


def q_conv_to_float(
    x: Array, w: Array, bias: Array, multiplier: Array, addend: Array, **attributes: Any
) -> Array:
    """x `[N,H,W,C]`, w `[K,R,S,C/group]` -> float32 `[N,P,Q,K]`."""
    return dequantize(q_conv_to_int32(x, w, bias, **attributes), multiplier, addend)


def q_conv_float_add(
    x: Array,
    residual: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    *,
    r_scale: float,
    r_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    y_min: int,
    y_max: int,
    **attributes: Any,
) -> Array:
    """x `[N,H,W,C]`, residual `[N,P,Q,K]` -> int8 `[N,P,Q,K]`."""
    acc = q_conv_to_int32(x, w, bias, **attributes)
    with np.errstate(over="ignore", invalid="ignore"):
        result = acc.astype(np.float32) * multiplier
    return combined(
        np.add,
        result,
        real(residual, r_scale, r_zero_point),
        y_scale=y_scale,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
    )
