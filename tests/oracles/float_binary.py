"""QFloatAdd and QFloatMul."""

from typing import Any

import numpy as np

from oracles.arithmetic import Array


def q_float_add(
    a: Array,
    b: Array,
    *,
    y_scale: float,
    y_zero_point: int,
    y_min: int = -128,
    y_max: int = 127,
    **operands: Any,
) -> Array:
    """int8 + int8 -> int8, broadcast, in float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = _operand("a", a, operands) + _operand("b", b, operands)
    return np.clip(quantized(total, y_scale, y_zero_point), np.int8(y_min), np.int8(y_max))


def q_float_mul(
    a: Array,
    b: Array,
    *,
    y_scale: float,
    y_zero_point: int,
    y_min: int = -128,
    y_max: int = 127,
    **operands: Any,
) -> Array:
    """int8 * int8 -> int8, broadcast, in float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = _operand("a", a, operands) * _operand("b", b, operands)
    return np.clip(quantized(total, y_scale, y_zero_point), np.int8(y_min), np.int8(y_max))


def _operand(name: str, values: Array, operands: dict[str, Any]) -> Array:
    return real(values, operands[f"{name}_scale"], operands[f"{name}_zero_point"])


def real(values: Array, scale: float, zero_point: int) -> Array:
    """DequantizeLinear: int8 -> float32."""
    steps = values.astype(np.int32) - zero_point
    numbers: Array = steps.astype(np.float32) * np.float32(scale)
    return numbers


def quantized(numbers: Array, scale: float, zero_point: int) -> Array:
    """QuantizeLinear: float32 -> int8."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        steps = numbers / np.float32(scale)
    steps = np.where(np.isnan(steps), np.float32(-np.inf), steps)
    clamped = np.clip(steps, np.float32(-128 - zero_point), np.float32(127 - zero_point))
    y: Array = np.rint(clamped).astype(np.int32) + zero_point
    return y.astype(np.int8)
