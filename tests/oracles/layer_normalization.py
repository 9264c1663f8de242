"""QLayerNormalization"""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, fma

F = np.float32


def q_layer_normalization(
    x: Array,
    gamma: Array,
    beta: Array,
    *,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
) -> Array:
    """`[..., C]`: normalization of the first channels; the padding is 0."""
    normalized = q_layer_normalization_to_float(
        x, gamma, beta, channels=channels, x_scale=x_scale, x_zero_point=x_zero_point, epsilon=epsilon
    )
    return quantized_rows(normalized, pads, y_scale, y_zero_point)


def q_layer_normalization_to_float(
    x: Array,
    gamma: Array,
    beta: Array,
    *,
    channels: int,
    x_scale: float,
    x_zero_point: int,
    epsilon: float,
) -> Array:
    """`[..., C]` -> float32 `[..., channels]`."""
    centered = x[..., :channels].astype(np.int32) - x_zero_point
    with np.errstate(over="ignore"):
        r = centered.astype(F) * F(x_scale)
    return layer_normalization(r, gamma, beta, epsilon)


def layer_normalization(r: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """float32 `[..., C]` over the last axis, as onnxruntime's CPU provider computes LayerNormalization."""
    with np.errstate(over="ignore", invalid="ignore"):
        y: Array = (_short if r.shape[-1] < 8 else _long)(r, gamma, beta, F(epsilon))
    return y


def quantized_rows(normalized: Array, pads: Sequence[int], scale: float, zero_point: int) -> Array:
    """float32 `[..., C]` -> int8, with padding of 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        quotients = np.nan_to_num(normalized / F(scale), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    quotients = np.clip(quotients, F(-128 - zero_point), F(127 - zero_point))
    q = (np.rint(quotients) + zero_point).astype(np.int8)
    return np.pad(q, [(0, 0)] * (q.ndim - 1) + [(0, pads[-1])])


def _sum(r: Array) -> Array:
    """In float64: four sums of every fourth element, then what is beyond the last four one by one."""
    fours = r.shape[-1] // 4 * 4
    sums = np.zeros((*r.shape[:-1], 4))
    for i in range(0, fours, 4):
        sums = sums + r[..., i : i + 4]
    total: Array = (sums[..., 0] + sums[..., 2]) + (sums[..., 1] + sums[..., 3])
    for i in range(fours, r.shape[-1]):
        total = total + r[..., i]
    return total


def _long(r: Array, gamma: Array, beta: Array, epsilon: F) -> Array:
    """Eight channels or more: in vectors of 8, then one by one."""
    n = r.shape[-1]
    d = r - (_sum(r) / n).astype(F)[..., None]
    vectors = n // 8
    sums = np.zeros((*r.shape[:-1], 8), F)
    for i in range(vectors):
        part = d[..., 8 * i : 8 * i + 8]
        sums = fma(part, part, sums)
    while sums.shape[-1] > 1:
        half = sums.shape[-1] // 2
        sums = sums[..., :half] + sums[..., half:]
    total: Array = sums[..., 0]
    rest = d[..., 8 * vectors :]
    for i in range(rest.shape[-1]):
        part = rest[..., i]
        # The compiler made a vector of four products where there are four.
        total = total + part * part if i < 4 <= rest.shape[-1] else fma(part, part, total)
    inverse = F(1) / np.sqrt(total / F(n) + epsilon)
    return fma(d * inverse[..., None], gamma, beta)


def _short(r: Array, gamma: Array, beta: Array, epsilon: F) -> Array:
    """Fewer channels: Welford's method."""
    mean: Array = np.zeros(r.shape[:-1], F)
    squares: Array = np.zeros(r.shape[:-1], F)
    for i in range(r.shape[-1]):
        d = r[..., i] - mean
        mean = mean + d / F(i + 1)
        squares = squares + d * (r[..., i] - mean)
    deviation = np.sqrt(squares / F(r.shape[-1]) + epsilon)
    normalized: Array = (r - mean[..., None]) / deviation[..., None] * gamma + beta
    return normalized
