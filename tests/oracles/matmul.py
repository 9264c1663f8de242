"""QMatMul."""

import numpy as np

from oracles.arithmetic import Array, requantize, wrap


def q_matmul(
    x: Array, w: Array, bias: Array, multiplier: Array, *, y_zero_point: int, y_min: int, y_max: int
) -> Array:
    """x `[..., C]`, w `[K, C]` -> `[..., K]`."""
    acc = x.astype(np.float64) @ w.T.astype(np.float64)  # exact: below 2^53
    return requantize(wrap(acc.astype(np.int64) + bias), multiplier, y_zero_point, y_min, y_max)
