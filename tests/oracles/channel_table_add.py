"""QChannelTableAdd."""

from typing import Any

from oracles.add import q_add
from oracles.arithmetic import Array
from oracles.table import q_table


def q_channel_table_add(
    x: Array,
    residual: Array,
    table: Array,
    *,
    result_first: int,
    sum_scale: float,
    sum_zero_point: int,
    **of_add: Any,
) -> Array:
    """The two oracles, one after the other; x and residual `[..., C]`, table `[C, 256]`."""
    found = q_table(x, table)
    a, b = (found, residual) if result_first else (residual, found)
    return q_add(a, b, y_scale=sum_scale, y_zero_point=sum_zero_point, **of_add)
