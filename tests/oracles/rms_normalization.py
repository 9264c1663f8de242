"""AddRMSNormalizationToIsland."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array
from oracles.layer_normalization import quantized_rows

F = np.float32


def add_rms_normalization_to_island(
    x: Array,
    bias: Array,
    residual: Array,
    gamma: Array,
    *,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    residual_scale: float,
    residual_zero_point: int,
    q_scale: float,
    q_zero_point: int,
    epsilon: float,
) -> tuple[Array, Array, Array]:
    """The sum, y, and q."""
    with np.errstate(over="ignore", invalid="ignore"):
        a = (x[..., :channels].astype(F) - F(x_zero_point)) * F(x_scale)
        b = (residual[..., :channels].astype(F) - F(residual_zero_point)) * F(residual_scale)
        total = (a + b) + bias
        squares = np.zeros(total.shape[:-1], F)
        for c in range(total.shape[-1]):
            squares = squares + total[..., c] * total[..., c]
        deviation = np.sqrt(squares / F(total.shape[-1]) + F(epsilon))
        y = total / deviation[..., None] * gamma
    return total, y, quantized_rows(y, pads, q_scale, q_zero_point)
