"""QTable."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, padded


def q_table(x: Array, table: Array, *, y_zero_point: int = 0, y_pads: Sequence[int] = (0,)) -> Array:
    """int8 of any shape -> `table[x + 128]`, or where there are channels in table, `table[c, x + 128]`."""
    index = x.astype(np.int32) + 128
    y: Array = table[index] if table.ndim == 1 else table[np.arange(x.shape[-1]), index]
    return padded(y, y_pads, y_zero_point)
