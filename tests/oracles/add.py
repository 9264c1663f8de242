"""QAdd."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, fma


def q_add(
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
    """int8 + int8 -> int8, broadcast, computed on values of dtype (2 uint8, 3 int8)."""
    if _exchanged(a.shape, b.shape):
        a, a_scale, a_zero_point, b, b_scale, b_zero_point = (
            b,
            b_scale,
            b_zero_point,
            a,
            a_scale,
            a_zero_point,
        )
    offset = 128 if dtype == 2 else 0
    raw_a, raw_b = (np.float32(t.astype(np.int32) + offset) for t in (a, b))
    with np.errstate(over="ignore", invalid="ignore"):
        ra = np.float32(a_scale) / np.float32(y_scale)
        rb = np.float32(b_scale) / np.float32(y_scale)
        fixed = np.float32(y_zero_point) - fma(np.float32(a_zero_point), ra, rb * np.float32(b_zero_point))
        y = np.rint(fma(raw_a, ra, fma(raw_b, rb, fixed)))
    # x86 makes the lowest int32 of what is beyond int32, and of NaN.
    y = np.where(np.abs(y) < 2.0**31, y, np.float32(-(2.0**31)))
    low, high = (0, 255) if dtype == 2 else (-128, 127)
    return (np.clip(y, low, high) - offset).astype(np.int8)


def _exchanged(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether a is the one repeated along the innermost axis that both have and that is not 1 in both.

    onnxruntime then adds a to b, which rounds in another order.
    """
    common = min(len(a), len(b))
    if common == 0:
        return len(a) == 0 or a[-1] <= 1
    axis = next((i for i in range(1, common) if (a[-i], b[-i]) != (1, 1)), common)
    return a[-axis] == 1
