"""Layer normalizations with fused additions and conversions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.add import q_add
from oracles.arithmetic import Array
from oracles.float_binary import q_float_add
from oracles.layer_normalization import layer_normalization, q_layer_normalization, quantized_rows

F = np.float32


def q_add_layer_normalization(
    a: Array,
    b: Array,
    gamma: Array,
    beta: Array,
    *,
    channels: int,
    pads: Sequence[int],
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    sum_scale: float,
    sum_zero_point: int,
    dtype: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
) -> tuple[Array, Array]:
    """The sum, and y."""
    total = q_add(
        a,
        b,
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        y_scale=sum_scale,
        y_zero_point=sum_zero_point,
        dtype=dtype,
    )
    y = q_layer_normalization(
        total,
        gamma,
        beta,
        channels=channels,
        pads=pads,
        x_scale=sum_scale,
        x_zero_point=sum_zero_point - (128 if dtype == 2 else 0),
        y_scale=y_scale,
        y_zero_point=y_zero_point,
        epsilon=epsilon,
    )
    return total, y


def q_float_add_layer_normalization(
    a: Array,
    b: Array,
    gamma: Array,
    beta: Array,
    *,
    channels: int,
    pads: Sequence[int],
    sum_scale: float,
    sum_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
    **operands: Any,
) -> tuple[Array, Array]:
    """The sum, and y."""
    total = q_float_add(a, b, y_scale=sum_scale, y_zero_point=sum_zero_point, **operands)
    y = q_layer_normalization(
        total,
        gamma,
        beta,
        channels=channels,
        pads=pads,
        x_scale=sum_scale,
        x_zero_point=sum_zero_point,
        y_scale=y_scale,
        y_zero_point=y_zero_point,
        epsilon=epsilon,
    )
    return total, y


def layer_normalization_to_island(
    x: Array,
    gamma: Array,
    beta: Array,
    *,
    pads: Sequence[int],
    q_scale: float,
    q_zero_point: int,
    epsilon: float,
) -> tuple[Array, Array]:
    """y, and q."""
    y = layer_normalization(x, gamma, beta, epsilon)
    return y, quantized_rows(y, pads, q_scale, q_zero_point)


def add_layer_normalization_to_island(
    x: Array,
    bias: Array,
    residual: Array,
    gamma: Array,
    beta: Array,
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
    biased = (x[..., :channels].astype(F) - F(x_zero_point)) * F(x_scale) + bias
    total = biased + (residual[..., :channels].astype(F) - F(residual_zero_point)) * F(residual_scale)
    y, q = layer_normalization_to_island(
        total, gamma, beta, pads=pads, q_scale=q_scale, q_zero_point=q_zero_point, epsilon=epsilon
    )
    return total, y, q
