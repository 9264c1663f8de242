"""QTableAdd and QTableMul."""

import numpy as np

from oracles.arithmetic import Array
from oracles.float_binary import quantized


def q_table_add(
    a: Array,
    b: Array,
    a_table: Array,
    b_table: Array,
    *,
    y_scale: float,
    y_zero_point: int,
    y_min: int = -128,
    y_max: int = 127,
) -> Array:
    """int8, int8, broadcast, float32 tables -> int8: the sum of what is looked up."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = _looked_up(a, a_table) + _looked_up(b, b_table)
    return np.clip(quantized(total, y_scale, y_zero_point), np.int8(y_min), np.int8(y_max))


def q_table_mul(
    a: Array,
    b: Array,
    a_table: Array,
    b_table: Array,
    *,
    y_scale: float,
    y_zero_point: int,
    y_min: int = -128,
    y_max: int = 127,
) -> Array:
    """int8, int8, broadcast, float32 tables -> int8: each looked-up number times the other."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = _looked_up(a, a_table) * _looked_up(b, b_table)
    return np.clip(quantized(total, y_scale, y_zero_point), np.int8(y_min), np.int8(y_max))


def _looked_up(x: Array, table: Array) -> Array:
    index = x.astype(np.int32) + 128
    numbers: Array = table[index] if table.ndim == 1 else table[np.arange(len(table)), index]
    return numbers
