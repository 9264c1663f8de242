"""QGroupNormalization."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array
from oracles.layer_normalization import quantized_rows

F = np.float32


def q_group_normalization(
    x: Array,
    gamma: Array,
    beta: Array,
    *,
    channels: int,
    pads: Sequence[int],
    view: Sequence[int],
    centered: int,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
) -> Array:
    """`[N, ..., C]`: each group of each image, or of each pixel, normalized; the padding is 0."""
    kept = x[..., :channels]
    images = x.shape[0] if view[0] == 0 else kept.size // channels
    d = kept.reshape(images, -1, *view[2:]).astype(np.int64) - x_zero_point
    n = float(d.shape[1] * d.shape[3])
    scale = float(F(x_scale))
    y = np.empty(d.shape, F)
    with np.errstate(all="ignore"):
        for image, group in np.ndindex(images, view[2]):
            values = d[image, :, group]
            mean = int(values.sum()) / n if centered else 0.0
            variance = max(int((values * values).sum()) / n - mean * mean, 0.0)
            inverse = np.float64(scale) / np.sqrt(variance * (scale * scale) + float(F(epsilon)))
            own = slice(group * view[3], (group + 1) * view[3])
            factor = gamma[own].astype(np.float64) * inverse
            term = beta[own].astype(np.float64) - mean * factor
            y[image, :, group] = values.astype(F) * factor.astype(F) + term.astype(F)
        return quantized_rows(y.reshape(kept.shape), pads, y_scale, y_zero_point)
