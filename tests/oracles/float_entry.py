"""AddToIsland, MulToIsland and SoftmaxToIsland."""

from collections.abc import Sequence
from math import erf

import numpy as np

from oracles.arithmetic import Array
from oracles.lstm import sigmoid as logistic

F = np.float32


def add_to_island(
    a: Array,
    b: Array,
    bias: Array,
    divisor: Array,
    *,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    perm: Sequence[int],
    pads: Sequence[int],
    low: float,
    high: float,
    scale: float,
    zero_point: int,
) -> Array:
    """All float32, broadcast."""
    with np.errstate(all="ignore"):
        total = (a.transpose(a_perm) + bias) + b.transpose(b_perm)
        real = np.clip(total, F(low), F(high)) / divisor
    return _entered(real, perm, pads, scale, zero_point)


def mul_to_island(
    a: Array,
    b: Array,
    divisor: Array,
    *,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    perm: Sequence[int],
    pads: Sequence[int],
    low: float,
    high: float,
    gelu: int,
    gate: int,
    alpha: float,
    beta: float,
    scale: float,
    zero_point: int,
) -> Array:
    """All float32, broadcast; erf rounded from float64."""
    left, right = np.clip(a.transpose(a_perm), F(low), F(high)), b.transpose(b_perm)
    if gelu:
        error = np.vectorize(erf)((left / F(1.4142135381698608)).astype(np.float64)).astype(F)
        left = left * (error + F(1)) * F(0.5)
    with np.errstate(all="ignore"):
        factors = [right, logistic(right), np.clip(right * F(alpha) + F(beta), F(0), F(1))]
        real = left * factors[gate] / divisor
    return _entered(real, perm, pads, scale, zero_point)


def softmax_to_island(
    x: Array,
    mask: Array,
    *,
    pads: Sequence[int],
    factor: float,
    divisor: float,
    y_scale: float,
    y_zero_point: int,
) -> Array:
    """`[..., C]`: in float64 after the mask; the padding is 0."""
    r = (x * F(factor) / F(divisor) + mask).astype(np.float64)
    exponentials = np.exp(r - r.max(-1, keepdims=True))
    softmax = exponentials / exponentials.sum(-1, keepdims=True)
    y = np.clip(np.rint(softmax / y_scale) + y_zero_point, -128, 127).astype(np.int8)
    return np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, pads[-1])])


def _entered(real: Array, perm: Sequence[int], pads: Sequence[int], scale: float, zero_point: int) -> Array:
    """Quantized, NaN as the least number; transposed and padded."""
    with np.errstate(all="ignore"):
        scaled = real / F(scale)
    limits = F(-128 - zero_point), F(127 - zero_point)
    clipped = np.clip(np.where(np.isnan(scaled), limits[0], scaled), *limits)
    y = (np.rint(clipped) + F(zero_point)).astype(np.int8).transpose(perm)
    around = list(zip(pads[: y.ndim], pads[y.ndim :], strict=True))
    return np.pad(y, around, constant_values=zero_point)
