"""QFloatAdd and QFloatMul."""

from typing import Any

import numpy as np

from oracles.arithmetic import Array


def q_float_add(a: Array, b: Array, **attributes: Any) -> Array:
    """int8 + int8 -> int8, broadcast, in float32."""
    return _of_reals(np.add, a, b, **attributes)


def q_float_mul(a: Array, b: Array, **attributes: Any) -> Array:
    """int8 * int8 -> int8, broadcast, in float32."""
    return _of_reals(np.multiply, a, b, **attributes)


def _of_reals(
    operation: np.ufunc,
    a: Array,
    b: Array,
    *,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    **result: Any,
) -> Array:
    return combined(operation, real(a, a_scale, a_zero_point), real(b, b_scale, b_zero_point), **result)


def combined(
    operation: np.ufunc,
    a: Array,
    b: Array,
    *,
    y_scale: float | Array,
    y_zero_point: int,
    y_min: int = -128,
    y_max: int = 127,
) -> Array:
    """float32, float32, broadcast -> int8: a sum or product, quantized."""
    with np.errstate(all="ignore"):
        total = operation(a, b)
    return np.clip(quantized(total, y_scale, y_zero_point), np.int8(y_min), np.int8(y_max))


def real(values: Array, scale: float, zero_point: int) -> Array:
    """DequantizeLinear: int8 -> float32."""
    steps = values.astype(np.int32) - zero_point
    numbers: Array = steps.astype(np.float32) * np.float32(scale)
    return numbers


def quantized(numbers: Array, scale: float | Array, zero_point: int) -> Array:
    """QuantizeLinear: float32 -> int8; scale: one, or float32 of each channel, the last axis."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        steps = numbers / np.asarray(scale, np.float32)
    steps = np.where(np.isnan(steps), np.float32(-np.inf), steps)
    clamped = np.clip(steps, np.float32(-128 - zero_point), np.float32(127 - zero_point))
    y: Array = np.rint(clamped).astype(np.int32) + zero_point
    return y.astype(np.int8)
