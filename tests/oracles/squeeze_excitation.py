"""QSqueezeExcitation."""

from typing import Any

import numpy as np

from oracles.arithmetic import Array, requantize, wrap
from oracles.mul import q_mul
from oracles.pool import q_global_average_pool


def q_squeeze_excitation(
    x: Array,
    w_squeeze: Array,
    bias_squeeze: Array,
    multiplier_squeeze: Array,
    table_squeeze: Array,
    w_excite: Array,
    bias_excite: Array,
    multiplier_excite: Array,
    table_excite: Array,
    *,
    x_scale: float,
    x_zero_point: int,
    mean_scale: float,
    mean_zero_point: int,
    squeezed_zero_point: int,
    squeezed_min: int,
    squeezed_max: int,
    excited_zero_point: int,
    excited_min: int,
    excited_max: int,
    **of_product: Any,
) -> Array:
    """`[N,H,W,C]` -> `[N,H,W,C]`: two matrix products of the means, each with a table for its results."""
    means = q_global_average_pool(
        x, x_scale=x_scale, x_zero_point=x_zero_point, y_scale=mean_scale, y_zero_point=mean_zero_point
    )
    sums = wrap(means.astype(np.int64) @ w_squeeze[:, 0, 0].T.astype(np.int64) + bias_squeeze)
    squeezed = requantize(sums, multiplier_squeeze, squeezed_zero_point, squeezed_min, squeezed_max)
    between = table_squeeze[squeezed.astype(np.int32) + 128].astype(np.int64)
    sums = wrap(between @ w_excite[:, 0, 0].T.astype(np.int64) + bias_excite)
    excited = requantize(sums, multiplier_excite, excited_zero_point, excited_min, excited_max)
    gates = table_excite[excited.astype(np.int32) + 128]
    return q_mul(x, gates, **of_product)
