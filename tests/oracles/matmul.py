"""QMatMul, what is fused with it, QProjections and QMatMulToFloat."""

from typing import Any

import numpy as np

from oracles.add import q_add
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


def q_matmul_add(
    x: Array,
    constant: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    *,
    result_first: int,
    sum_scale: float,
    sum_zero_point: int,
    **attributes: Any,
) -> Array:
    """The two oracles, one after the other; constant `[K]`."""
    names = ("a_scale", "a_zero_point", "b_scale", "b_zero_point", "dtype")
    of_add = {name: attributes.pop(name) for name in names}
    y = q_matmul(x, w, bias, multiplier, **attributes)
    whole = np.broadcast_to(constant, y.shape)
    a, b = (y, whole) if result_first else (whole, y)
    return q_add(a, b, y_scale=sum_scale, y_zero_point=sum_zero_point, **of_add)


def q_matmul_add_table(
    x: Array,
    constant: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    table: Array,
    **attributes: Any,
) -> Array:
    """The two oracles, one after the other."""
    return q_table(q_matmul_add(x, constant, w, bias, multiplier, **attributes), table)


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
