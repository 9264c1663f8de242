"""QConv, tap by tap."""

from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, requantize, wrap


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
) -> Array:
    """x `[N,H,W,C]`, w `[K,R,S,C/group]` -> `[N,P,Q,K]`."""
    top, left, bottom, right = pads
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=x_zero_point)
    k, r, s, _ = w.shape
    n, height, width, c = padded.shape
    p = (height - dilations[0] * (r - 1) - 1) // strides[0] + 1
    q = (width - dilations[1] * (s - 1) - 1) // strides[1] + 1
    acc = np.zeros((n, p, q, group, k // group))
    filters = w.reshape(group, k // group, r, s, c // group).astype(np.float64)
    for i in range(r):
        for j in range(s):
            rows = slice(i * dilations[0], i * dilations[0] + (p - 1) * strides[0] + 1, strides[0])
            columns = slice(j * dilations[1], j * dilations[1] + (q - 1) * strides[1] + 1, strides[1])
            tap = padded[:, rows, columns].reshape(n, p, q, group, c // group).astype(np.float64)
            acc += np.einsum("npqgc,gkc->npqgk", tap, filters[:, :, i, j], optimize=True)  # exact: below 2^53
    total = wrap(acc.reshape(n, p, q, k).astype(np.int64) + bias)
    return requantize(total, multiplier, y_zero_point, y_min, y_max)
