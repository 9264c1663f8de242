"""QMaxPool and QGlobalAveragePool."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, requantize


def q_max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,P,Q,C]`."""
    sizes = []
    for axis in range(2):
        extent = x.shape[1 + axis] + pads[axis] + pads[axis + 2]
        reach = dilations[axis] * (kernel_shape[axis] - 1) + 1
        steps = (extent - reach + (strides[axis] - 1 if ceil_mode else 0)) // strides[axis]
        # A window that begins in the end padding does not count.
        if ceil_mode and steps * strides[axis] >= x.shape[1 + axis] + pads[axis]:
            steps -= 1
        sizes.append(steps + 1)
    y = np.empty((x.shape[0], *sizes, x.shape[3]), np.int8)
    for p, q in np.ndindex(*sizes):
        rows, columns = (
            [
                i
                for tap in range(kernel_shape[axis])
                if 0 <= (i := at * strides[axis] + tap * dilations[axis] - pads[axis]) < x.shape[1 + axis]
            ]
            for axis, at in enumerate((p, q))
        )
        y[:, p, q] = x[:, rows][:, :, columns].max(axis=(1, 2))
    return y


def q_global_average_pool(
    x: Array, *, x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int
) -> Array:
    """`[N,H,W,C]` -> `[N,1,1,C]`."""
    count = x.shape[1] * x.shape[2]
    acc = x.astype(np.int32).sum(axis=(1, 2), keepdims=True) - x_zero_point * count
    return requantize(acc, np.float32(x_scale) / (np.float32(y_scale) * np.float32(count)), y_zero_point)
