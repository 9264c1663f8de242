"""QLayerNormalizationGlobalAveragePool."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.arithmetic import Array
from oracles.float_tail import float_global_average_pool
from oracles.layer_normalization import q_layer_normalization_to_float, quantized_rows


def q_layer_normalization_global_average_pool(
    x: Array,
    gamma: Array,
    beta: Array,
    *,
    pads: Sequence[int],
    y_scale: float,
    y_zero_point: int,
    **normalization: Any,
) -> Array:
    """`[N,spatial...,C]` -> `[N,1...,C]`: the mean of what is normalized, in MLAS' order of additions."""
    normalized = q_layer_normalization_to_float(x, gamma, beta, **normalization)
    image = normalized.reshape(x.shape[0], -1, 1, normalized.shape[-1])
    mean = float_global_average_pool(image, low=-np.inf, high=np.inf, silu=0)
    means = mean.reshape(x.shape[0], *[1] * (x.ndim - 2), -1)
    return quantized_rows(means, pads, y_scale, y_zero_point)
