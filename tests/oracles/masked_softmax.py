"""QMaskedSoftmax."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array

F = np.float32


def q_masked_softmax(
    x: Array,
    mask: Array,
    *,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    factor: float,
    divisor: float,
    y_scale: float,
    y_zero_point: int,
) -> Array:
    """`[..., C]`: softmax of the first channels plus the mask, in float64 after that; the padding is 0."""
    centered = x[..., :channels].astype(np.int32) - x_zero_point
    r = (centered.astype(F) * F(x_scale) * F(factor) / F(divisor) + mask).astype(np.float64)
    exponentials = np.exp(r - r.max(-1, keepdims=True))
    softmax = exponentials / exponentials.sum(-1, keepdims=True)
    y = np.clip(np.rint(softmax / y_scale) + y_zero_point, -128, 127).astype(np.int8)
    return np.pad(y, [(0, 0)] * (y.ndim - 1) + [(0, pads[-1])])
