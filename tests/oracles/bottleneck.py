"""QBottleneck, QBottleneckAdd and QBottleneckFloatAdd."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.add import q_add
from oracles.arithmetic import Array, requantize, wrap
from oracles.conv import conv_sums
from oracles.float_conv import q_conv_float_add


def q_bottleneck(
    x: Array,
    w_reduce: Array,
    bias_reduce: Array,
    multiplier_reduce: Array,
    w_window: Array,
    bias_window: Array,
    multiplier_window: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    *,
    reduced_zero_point: int,
    reduced_min: int,
    reduced_max: int,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    padding_zero_point: int,
    window_zero_point: int,
    window_min: int,
    window_max: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,P,Q,K]`: a matrix product, windows of it, and another one."""
    weights = w_reduce, bias_reduce, multiplier_reduce, w_window, bias_window, multiplier_window
    window = _window(
        x,
        *weights,
        reduced_zero_point=reduced_zero_point,
        reduced_min=reduced_min,
        reduced_max=reduced_max,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        padding_zero_point=padding_zero_point,
        window_zero_point=window_zero_point,
        window_min=window_min,
        window_max=window_max,
    )
    sums = wrap(_product(window, w) + bias)
    return requantize(sums, multiplier, y_zero_point, y_min, y_max)


def q_bottleneck_float_add(
    x: Array,
    residual: Array,
    *weights: Array,
    r_scale: float,
    r_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    y_min: int,
    y_max: int,
    **of_windows: Any,
) -> Array:
    """The same, and residual `[N,P,Q,K]` -> `[N,P,Q,K]`: their sum, rounded once."""
    return q_conv_float_add(
        _window(x, *weights[:6], **of_windows),
        residual,
        *weights[6:],
        pads=[0] * 4,
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        r_scale=r_scale,
        r_zero_point=r_zero_point,
        y_scale=y_scale,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
    )


def _window(
    x: Array,
    w_reduce: Array,
    bias_reduce: Array,
    multiplier_reduce: Array,
    w_window: Array,
    bias_window: Array,
    multiplier_window: Array,
    *,
    reduced_zero_point: int,
    reduced_min: int,
    reduced_max: int,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    padding_zero_point: int,
    window_zero_point: int,
    window_min: int,
    window_max: int,
) -> Array:
    """What the first two make."""
    sums = wrap(_product(x, w_reduce) + bias_reduce)
    reduced = requantize(sums, multiplier_reduce, reduced_zero_point, reduced_min, reduced_max)
    sums = conv_sums(reduced, w_window, pads, strides, dilations, group, padding_zero_point)
    return requantize(wrap(sums + bias_window), multiplier_window, window_zero_point, window_min, window_max)


def q_bottleneck_add(
    x: Array,
    residual: Array,
    *weights: Array,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    sum_scale: float,
    sum_zero_point: int,
    dtype: int,
    result_first: int,
    **of_convolutions: Any,
) -> Array:
    """The same, and residual `[N,P,Q,K]` -> `[N,P,Q,K]`: their sum."""
    y = q_bottleneck(x, *weights, **of_convolutions)
    return q_add(
        *((y, residual) if result_first else (residual, y)),
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        y_scale=sum_scale,
        y_zero_point=sum_zero_point,
        dtype=dtype,
    )


def _product(x: Array, w: Array) -> Array:
    """Of the pixels' channels and filters `[K,1,1,C]`."""
    rows: Array = x.astype(np.float64) @ w[:, 0, 0].T.astype(np.float64)  # exact: below 2^53
    return rows.astype(np.int64)
