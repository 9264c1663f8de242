"""QSoftmax."""

import math
from functools import reduce

import numpy as np

from oracles.arithmetic import Array

F = np.float32


def q_softmax(
    x: Array,
    *,
    channels: int,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    dtype: int,
) -> Array:
    """`[..., C]`: softmax over the first channels, in values of dtype (2 uint8, 3 int8); others copied."""
    del x_zero_point  # a softmax does not depend on it
    rows = x[..., :channels].astype(np.int64)
    largest = math.log(float(np.finfo(F).max) / channels)  # keeps the sum finite, with e^5 to spare
    scale = float(F(x_scale))
    shift = max(0.0, float(F(largest)) - 5) / scale
    exponentials = np.array([F(math.exp((i - 255 + shift) * scale)) for i in range(256)])
    values = exponentials[rows + 255 - rows.max(-1, keepdims=True)]
    total = reduce(np.add, np.moveaxis(values, -1, 0))[..., None]
    with np.errstate(over="ignore"):
        quotients = np.rint(values * np.floor(F(1) / F(y_scale)) / total).astype(np.float64)
    y = np.array(x)
    if dtype == 2:  # through int64, of which the lower half counts
        integers = np.where(quotients < 2.0**63, quotients, 0).astype(np.int64)
        outside = np.minimum((integers + y_zero_point) % 2**32, 255)
        y[..., :channels] = outside - 128
    else:
        integers = np.where(quotients < 2.0**31, quotients, -(2.0**31)).astype(np.int64)
        wrapped = (integers + y_zero_point + 2**31) % 2**32 - 2**31
        y[..., :channels] = np.clip(wrapped, -128, 127)
    return y
