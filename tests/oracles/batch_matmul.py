"""QBatchMatMul, QBatchMatMulToFloat, QBatchMatMulToInt32."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, requantize, wrap
from oracles.matmul import dequantize


def batch_matmul_sums(
    a: Array,
    b: Array,
    b_zero_point: Array,
    *,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    a_starts: Sequence[int],
    a_ends: Sequence[int],
    b_starts: Sequence[int],
    b_ends: Sequence[int],
    a_zero_point: int,
) -> Array:
    """int64 sums `[batch..., M, N]`."""
    rows = a[_part(a_starts, a_ends)].transpose(a_perm).astype(np.float64) - a_zero_point
    factors = b[_part(b_starts, b_ends)].transpose(b_perm).astype(np.float64) - b_zero_point
    return (rows @ factors).astype(np.int64)  # exact: below 2^53


def _part(starts: Sequence[int], ends: Sequence[int]) -> tuple[slice, ...]:
    return tuple(map(slice, starts, ends))


def q_batch_matmul(
    a: Array,
    b: Array,
    bias: Array,
    multiplier: Array,
    b_zero_point: Array,
    *,
    y_perm: Sequence[int],
    pads: Sequence[int],
    y_zero_point: int,
    y_min: int,
    y_max: int,
    **layout: object,
) -> Array:
    """int8 a and b -> int8 y, whose padding is 0."""
    acc = wrap(batch_matmul_sums(a, b, b_zero_point, **layout) + bias)  # type: ignore[arg-type]
    y = requantize(acc, multiplier, y_zero_point, y_min, y_max)
    return np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, pads[-1])]).transpose(y_perm)


def q_batch_matmul_to_float(
    a: Array,
    b: Array,
    bias: Array,
    multiplier: Array,
    b_zero_point: Array,
    addend: Array,
    *,
    y_perm: Sequence[int],
    **layout: object,
) -> Array:
    """int8 a and b -> float32 y."""
    acc = wrap(batch_matmul_sums(a, b, b_zero_point, **layout) + bias)  # type: ignore[arg-type]
    return dequantize(acc, multiplier, addend).transpose(y_perm)


def q_batch_matmul_to_int32(
    a: Array, b: Array, b_zero_point: Array, *, y_perm: Sequence[int], **layout: object
) -> Array:
    """int8 a and b -> int32 y."""
    return wrap(batch_matmul_sums(a, b, b_zero_point, **layout)).transpose(y_perm)  # type: ignore[arg-type]
