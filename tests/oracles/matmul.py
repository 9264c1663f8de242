"""QMatMul, QMatMulTable, QProjections and QMatMulToFloat."""

from typing import Any

import numpy as np

from oracles.arithmetic import Array, requantize, wrap
from oracles.table import q_table


def matmul_sums(x: Array, w: Array) -> Array:
    """x `[..., C]`, w `[K, C]` -> int64 `[..., K]`."""
    return (x.astype(np.float64) @ w.T.astype(np.float64)).astype(np.int64)  # exact: below 2^53


def q_matmul(
    x: Array, w: Array, bias: Array, multiplier: Array, *, y_zero_point: int, y_min: int, y_max: int
) -> Array:
    """x `[..., C]`, w `[K, C]` -> `[..., K]`."""
    return requantize(wrap(matmul_sums(x, w) + bias), multiplier, y_zero_point, y_min, y_max)


def q_matmul_table(
    x: Array, w: Array, bias: Array, multiplier: Array, table: Array, **attributes: Any
) -> Array:
    """The two oracles, one after the other."""
    return q_table(q_matmul(x, w, bias, multiplier, **attributes), table)


def q_projections(x: Array, w: Array, bias: Array, multiplier: Array, y_zero_point: Array) -> Array:
    """x `[..., C]`, w `[K, C]` -> `[..., K]`."""
    acc = wrap(matmul_sums(x, w) + bias)
    return np.stack(
        [requantize(acc[..., k], multiplier[k], int(y_zero_point[k]), -128, 127) for k in range(len(w))], -1
    )


def q_matmul_to_float(x: Array, w: Array, bias: Array, multiplier: Array, addend: Array) -> Array:
    """x `[..., C]`, w `[K, C]` -> float32 `[..., K]`."""
    return dequantize(wrap(matmul_sums(x, w) + bias), multiplier, addend)


def dequantize(acc: Array, multiplier: Array, addend: Array) -> Array:
    """int32 -> float32: the product is rounded, then the sum."""
    with np.errstate(over="ignore", invalid="ignore"):
        product: Array = acc.astype(np.float32) * multiplier
        total: Array = product + addend
    return total
