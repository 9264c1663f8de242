"""QMaxPool, QAveragePool and QGlobalAveragePool."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, padded, requantize


def q_max_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
    y_zero_point: int = 0,
    y_pads: Sequence[int] = (0,),
) -> Array:
    """`[N,H,W,C]` -> `[N,P,Q,C]`."""
    sizes = _sizes(x.shape, kernel_shape, pads, strides, dilations, ceil_mode)
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
    return padded(y, y_pads, y_zero_point)


def _sizes(
    shape: Sequence[int],
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
) -> list[int]:
    """How many windows fit along H and W of `[N,H,W,C]`."""
    sizes = []
    for axis in range(2):
        extent = shape[1 + axis] + pads[axis] + pads[axis + 2]
        reach = dilations[axis] * (kernel_shape[axis] - 1) + 1
        steps = (extent - reach + (strides[axis] - 1 if ceil_mode else 0)) // strides[axis]
        # A window that begins in the end padding does not count.
        if ceil_mode and steps * strides[axis] >= shape[1 + axis] + pads[axis]:
            steps -= 1
        sizes.append(steps + 1)
    return sizes


def q_global_average_pool(
    x: Array, *, x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int
) -> Array:
    """`[N,H,W,C]` -> `[N,1,1,C]`."""
    count = x.shape[1] * x.shape[2]
    acc = x.astype(np.int32).sum(axis=(1, 2), keepdims=True) - x_zero_point * count
    return requantize(acc, np.float32(x_scale) / (np.float32(y_scale) * np.float32(count)), y_zero_point)


def q_average_pool(
    x: Array,
    *,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    ceil_mode: int,
    count_include_pad: int,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    dtype: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,P,Q,C]`, in values of dtype (2 uint8, 3 int8), sums in float32 in raster order."""
    offset = 128 if dtype == 2 else 0
    values = np.float32(x_scale) * (x.astype(np.int32) + offset - x_zero_point).astype(np.float32)
    sizes = _sizes(x.shape, kernel_shape, pads, strides, [1, 1], ceil_mode)
    y = np.empty((x.shape[0], *sizes, x.shape[3]), np.int8)
    for p, q in np.ndindex(*sizes):
        rows, columns = (
            range(
                max(at * strides[axis] - pads[axis], 0),
                min(at * strides[axis] - pads[axis] + kernel_shape[axis], x.shape[1 + axis]),
            )
            for axis, at in enumerate((p, q))
        )
        total = np.zeros((x.shape[0], x.shape[3]), np.float32)
        for row in rows:
            for column in columns:
                total = total + values[:, row, column]
        count = kernel_shape[0] * kernel_shape[1] if count_include_pad else len(rows) * len(columns)
        with np.errstate(over="ignore"):
            mean = total / np.float32(count) / np.float32(y_scale) + np.float32(y_zero_point)
        # x86 converts what int32 does not hold to its lowest number.
        mean = np.where(mean < np.float32(2**31), mean, np.float32(-(2**31)))
        y[:, p, q] = np.clip(np.rint(mean), offset - 128, offset + 127) - offset
    return y
