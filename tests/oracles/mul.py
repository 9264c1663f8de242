"""QMul."""

import numpy as np

from oracles.arithmetic import Array


def q_mul(
    a: Array,
    b: Array,
    *,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    dtype: int,
) -> Array:
    """int8 * int8 -> int8, broadcast, computed on values of dtype (2 uint8, 3 int8)."""
    offset = 128 if dtype == 2 else 0
    product = (a.astype(np.int32) + offset - a_zero_point) * (b.astype(np.int32) + offset - b_zero_point)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.float32(a_scale) * np.float32(b_scale) / np.float32(y_scale)
        value = product.astype(np.float32) * ratio + np.float32(y_zero_point)
        # x86 converts what int32 does not hold to its lowest number.
        value = np.where(value < np.float32(2**31), value, np.float32(-(2**31)))
    y: Array = np.clip(np.rint(value), offset - 128, offset + 127) - offset
    return y.astype(np.int8)
