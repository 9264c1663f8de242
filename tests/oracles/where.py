"""QWhere."""

import numpy as np

from oracles.arithmetic import Array


def q_where(condition: Array, x: Array, y: Array) -> Array:
    """bool, int8, int8 -> int8, broadcast."""
    return np.where(condition, x, y)
