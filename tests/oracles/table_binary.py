"""QTableAdd, QTableMul and QTableDiv."""

from typing import Any

import numpy as np

from oracles.arithmetic import Array
from oracles.float_binary import combined


def q_table_add(a: Array, b: Array, a_table: Array, b_table: Array, y_scale: Array, **result: Any) -> Array:
    """int8, int8, broadcast, float32 tables -> int8: the sum of what is looked up."""
    return combined(np.add, _looked_up(a, a_table), _looked_up(b, b_table), y_scale=y_scale, **result)


def q_table_mul(a: Array, b: Array, a_table: Array, b_table: Array, y_scale: Array, **result: Any) -> Array:
    """int8, int8, broadcast, float32 tables -> int8: each looked-up number times the other."""
    return combined(np.multiply, _looked_up(a, a_table), _looked_up(b, b_table), y_scale=y_scale, **result)


def q_table_div(a: Array, b: Array, a_table: Array, b_table: Array, y_scale: Array, **result: Any) -> Array:
    """int8, int8, broadcast, float32 tables -> int8: the looked-up number of a divided by that of b."""
    return combined(np.divide, _looked_up(a, a_table), _looked_up(b, b_table), y_scale=y_scale, **result)


def _looked_up(x: Array, table: Array) -> Array:
    index = x.astype(np.int32) + 128
    numbers: Array = table[index] if table.ndim == 1 else table[np.arange(len(table)), index]
    return numbers
