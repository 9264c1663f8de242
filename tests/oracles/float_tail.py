"""FloatGlobalAveragePool, FloatMaxPool, FloatAveragePool and FloatPointwise."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array
from oracles.lstm import sigmoid
from oracles.pool import q_max_pool

F = np.float32


def _activated(x: Array, low: float, high: float, silu: int = 0) -> Array:
    with np.errstate(all="ignore"):
        y: Array = x * sigmoid(x) if silu else np.clip(x, F(low), F(high))
    return y


def float_global_average_pool(x: Array, *, low: float, high: float, silu: int) -> Array:
    """`[N,H,W,C]` -> `[N,1,1,C]`, in MLAS' order of additions."""
    rows = _activated(x, low, high, silu).reshape(x.shape[0], -1, x.shape[-1])
    pixels = rows.shape[1]
    in_fours = pixels // 4 * 4
    sums = np.zeros((4, x.shape[0], x.shape[-1]), F)
    for pixel in range(in_fours):
        sums[pixel % 4] += rows[:, pixel]
    total = (sums[0] + sums[2]) + (sums[1] + sums[3])
    for pixel in range(in_fours, pixels):
        total = total + rows[:, pixel]
    mean: Array = total / F(pixels)
    return mean.reshape(x.shape[0], 1, 1, x.shape[-1])


def float_max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
    low: float,
    high: float,
) -> Array:
    """`[N,H,W,C]` -> `[N,P,Q,C]`."""
    return q_max_pool(
        _activated(x, low, high),
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        dilations=dilations,
        ceil_mode=ceil_mode,
    )


def float_average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    ceil_mode: int,
    count_include_pad: int,
    low: float,
    high: float,
    silu: int,
) -> tuple[Array, Array]:
    """`[N,H,W,C]` -> `[N,P,Q,C]` in float64, and how far from it sums in float32 may lead."""
    r = _activated(x, low, high, silu).astype(np.float64)
    shape = q_max_pool(
        x,
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        dilations=[1, 1],
        ceil_mode=ceil_mode,
    ).shape
    y, size = np.empty(shape), np.empty(shape)
    for p, q in np.ndindex(*shape[1:3]):
        at = [
            (i * s - before, k) for i, s, before, k in zip((p, q), strides, pads, kernel_shape, strict=False)
        ]
        rows, columns = (slice(max(start, 0), max(start + k, 0)) for start, k in at)
        pixels = r[:, rows, columns]
        count = np.prod(kernel_shape) if count_include_pad else pixels.shape[1] * pixels.shape[2]
        y[:, p, q], size[:, p, q] = pixels.sum((1, 2)) / count, np.abs(pixels).sum((1, 2)) / count
    return y, size * (np.prod(kernel_shape) + 2) * 2.0**-24


def float_pointwise(
    x: Array, w: Array, bias: Array, *, low: float, high: float, silu: int
) -> tuple[Array, Array]:
    """`[N,C,1...]` -> `[N,K,1...]` in float64, and how far from it sums in float32 may lead."""
    of_image, filters = x.reshape(x.shape[:2]).astype(np.float64), w.reshape(w.shape[:2]).astype(np.float64)
    s = of_image @ filters.T + bias
    size = np.abs(of_image) @ np.abs(filters).T + np.abs(bias)
    bound = size * (w.shape[1] + 2) * 2.0**-24
    # Neither activation is steeper than 1.1; SiLU is rounded itself.
    y = s / (1 + np.exp(-s)) if silu else np.clip(s, low, high)
    bound = 1.1 * bound + (2.0**-21 * np.abs(y) if silu else 0)
    shape = (len(x), len(w), *x.shape[2:])
    return y.reshape(shape), bound.reshape(shape)
