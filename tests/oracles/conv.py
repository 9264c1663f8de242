"""QConv, QConv3D, QConvAdd, QConvTable and QConvToInt32, tap by tap."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.add import q_add
from oracles.arithmetic import Array, padded, requantize, wrap
from oracles.table import q_table


def q_conv(
    x: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    *,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
    y_pads: Sequence[int] = (0,),
) -> Array:
    """x `[N,size...,C]`, w `[K,kernel...,C/group]` -> `[N,size...,K]`, in any number of dimensions."""
    acc = conv_sums(x, w, pads, strides, dilations, group, x_zero_point)
    y = requantize(wrap(acc + bias), multiplier, y_zero_point, y_min, y_max)
    return padded(y, y_pads, y_zero_point)


def q_conv_add(
    x: Array,
    residual: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    *,
    result_first: int,
    sum_scale: float,
    sum_zero_point: int,
    **attributes: Any,
) -> Array:
    """The two oracles, one after the other."""
    names = ("a_scale", "a_zero_point", "b_scale", "b_zero_point", "dtype")
    of_add = {name: attributes.pop(name) for name in names}
    y = q_conv(x, w, bias, multiplier, **attributes)
    a, b = (y, residual) if result_first else (residual, y)
    return q_add(a, b, y_scale=sum_scale, y_zero_point=sum_zero_point, **of_add)


def q_conv_table(
    x: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    table: Array,
    *,
    table_zero_point: int = 0,
    y_pads: Sequence[int] = (0,),
    **attributes: Any,
) -> Array:
    """The two oracles, one after the other; padding is of the table's zero point."""
    y = q_conv(x, w, bias, multiplier, **attributes)
    return q_table(y, table, y_zero_point=table_zero_point, y_pads=y_pads)


def q_conv_to_int32(
    x: Array,
    w: Array,
    bias: Array,
    *,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
) -> Array:
    """As q_conv, without requantization."""
    return wrap(conv_sums(x, w, pads, strides, dilations, group, x_zero_point) + bias)


def conv_sums(
    x: Array,
    w: Array,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
) -> Array:
    """int64 `[N,size...,K]`."""
    k, *kernel, group_c = w.shape
    around = list(zip(pads[: len(kernel)], pads[len(kernel) :], strict=True))
    padded = np.pad(x, [(0, 0), *around, (0, 0)], constant_values=x_zero_point)
    counts = [
        (size - dilation * (taps - 1) - 1) // stride + 1
        for size, taps, stride, dilation in zip(padded.shape[1:-1], kernel, strides, dilations, strict=True)
    ]
    acc = np.zeros((x.shape[0], *counts, group, k // group))
    filters = w.reshape(group, k // group, *kernel, group_c).astype(np.float64)
    for tap in np.ndindex(*kernel):
        first = [index * dilation for index, dilation in zip(tap, dilations, strict=True)]
        window = tuple(
            slice(start, start + (count - 1) * stride + 1, stride)
            for start, count, stride in zip(first, counts, strides, strict=True)
        )
        pixels = padded[:, *window].reshape(x.shape[0], *counts, group, group_c).astype(np.float64)
        acc += np.einsum("...gc,gkc->...gk", pixels, filters[:, :, *tap], optimize=True)  # exact: below 2^53
    return acc.reshape(*acc.shape[:-2], k).astype(np.int64)
