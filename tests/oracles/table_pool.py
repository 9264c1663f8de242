"""QTableGlobalAveragePool and QTableGlobalAveragePoolToFloat."""

import numpy as np

from oracles.arithmetic import Array

F = np.float32


def q_table_global_average_pool_to_float(x: Array, table: Array) -> Array:
    """`[N,spatial...,C]` -> `[N,1...,C]`: the mean of what is looked up, in MLAS' order of additions."""
    index = x.astype(np.int32) + 128
    real = table[index] if table.ndim == 1 else table[np.arange(len(table)), index]
    rows = real.reshape(x.shape[0], -1, x.shape[-1])
    pixels = rows.shape[1]
    in_fours = pixels // 4 * 4
    sums = np.zeros((4, x.shape[0], x.shape[-1]), F)
    with np.errstate(over="ignore", invalid="ignore"):
        for pixel in range(in_fours):
            sums[pixel % 4] += rows[:, pixel]
        total = (sums[0] + sums[2]) + (sums[1] + sums[3])
        for pixel in range(in_fours, pixels):
            total = total + rows[:, pixel]
        mean: Array = total / F(pixels)
    return mean.reshape(x.shape[0], *[1] * (x.ndim - 2), x.shape[-1])


def q_table_global_average_pool(x: Array, table: Array, *, y_scale: float, y_zero_point: int) -> Array:
    """The mean, quantized."""
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = q_table_global_average_pool_to_float(x, table) / F(y_scale)
    limits = F(-128 - y_zero_point), F(127 - y_zero_point)
    clipped = np.clip(np.where(np.isnan(scaled), limits[0], scaled), *limits)
    y: Array = (np.rint(clipped) + F(y_zero_point)).astype(np.int8)
    return y
