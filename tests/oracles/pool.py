"""QMaxPool and QAveragePool, also in three dimensions, and QGlobalAveragePool."""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

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
    """`[N,spatial...,C]` -> `[N,spatial...,C]`."""
    sizes = _sizes(x.shape, kernel_shape, pads, strides, dilations, ceil_mode)
    y = np.empty((x.shape[0], *sizes, x.shape[-1]), x.dtype)
    for at in np.ndindex(*sizes):
        window = x
        for axis, place in enumerate(at):
            start, size = place * strides[axis] - pads[axis], x.shape[1 + axis]
            taps = (start + tap * dilations[axis] for tap in range(kernel_shape[axis]))
            window = window.take([i for i in taps if 0 <= i < size], axis=1 + axis)
        y[(slice(None), *at)] = window.max(axis=tuple(range(1, x.ndim - 1)))
    return padded(y, y_pads, y_zero_point)


def _sizes(
    shape: Sequence[int],
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
) -> list[int]:
    """How many windows fit along each axis of `[N,spatial...,C]`."""
    sizes = []
    for axis in range(len(shape) - 2):
        extent = shape[1 + axis] + pads[axis] + pads[axis + len(shape) - 2]
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
    """`[N,spatial...,C]` -> `[N,1...,C]`."""
    spatial = tuple(range(1, x.ndim - 1))
    count = prod(x.shape[1:-1])
    acc = x.astype(np.int32).sum(axis=spatial, keepdims=True) - x_zero_point * count
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
    """`[N,spatial...,C]` -> `[N,spatial...,C]`, in values of dtype (2 uint8, 3 int8).

    Sums run in float32, in raster order.
    """
    offset = 128 if dtype == 2 else 0
    values = np.float32(x_scale) * (x.astype(np.int32) + offset - x_zero_point).astype(np.float32)
    sizes = _sizes(x.shape, kernel_shape, pads, strides, [1] * len(strides), ceil_mode)
    y = np.empty((x.shape[0], *sizes, x.shape[-1]), np.int8)
    for at in np.ndindex(*sizes):
        spans = []
        for axis, place in enumerate(at):
            start = place * strides[axis] - pads[axis]
            spans.append(range(max(start, 0), min(start + kernel_shape[axis], x.shape[1 + axis])))
        total = np.zeros((x.shape[0], x.shape[-1]), np.float32)
        for pixel in product(*spans):
            index: tuple[Any, ...] = (slice(None), *pixel)
            total = total + values[index]
        count = prod(kernel_shape) if count_include_pad else prod(map(len, spans))
        with np.errstate(over="ignore"):
            mean = total / np.float32(count) / np.float32(y_scale) + np.float32(y_zero_point)
        # x86 converts what int32 does not hold to its lowest number.
        mean = np.where(mean < np.float32(2**31), mean, np.float32(-(2**31)))
        y[(slice(None), *at)] = np.clip(np.rint(mean), offset - 128, offset + 127) - offset
    return y
