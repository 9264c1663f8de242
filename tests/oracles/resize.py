"""QResize, QFloatResize, the same to sizes of the run, and QDepthToSpace."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from oracles.arithmetic import Array

F = np.float32


def q_resize(
    x: Array,
    *,
    scales: Sequence[float],
    mode: str,
    coordinate_transformation_mode: str,
    nearest_mode: str,
    dtype: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,H',W',C]`; a linear value from values of dtype (2 uint8, 3 int8)."""
    axes = _by_scales(x, scales)
    return _resized(x, axes, mode, coordinate_transformation_mode, nearest_mode, dtype)


def q_resize_to(
    x: Array,
    sizes: Array,
    *,
    mode: str,
    coordinate_transformation_mode: str,
    nearest_mode: str,
    dtype: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,*sizes,C]`, as q_resize."""
    axes = _to_sizes(x, sizes)
    return _resized(x, axes, mode, coordinate_transformation_mode, nearest_mode, dtype)


class Axis(NamedTuple):
    """From so many pixels to others, by a scale in float32."""

    size: int
    resized: int
    scale: np.float32


def _by_scales(x: Array, scales: Sequence[float]) -> list[Axis]:
    sizes = x.shape[1:3]
    return [Axis(n, int(F(scale) * F(n)), F(scale)) for n, scale in zip(sizes, scales[1:3], strict=True)]


def _to_sizes(x: Array, sizes: Array) -> list[Axis]:
    pairs = zip(x.shape[1:3], sizes.tolist(), strict=True)
    return [Axis(size, resized, F(resized) / F(size)) for size, resized in pairs]


def _resized(
    x: Array, axes: Sequence[Axis], mode: str, coordinates: str, nearest_mode: str, dtype: int
) -> Array:
    if all(axis.size == axis.resized for axis in axes):
        return x
    rows, columns = (_coordinates(*axis, coordinates) for axis in axes)
    if mode == "nearest":
        by_rows: Array = x[:, _nearest(rows, x.shape[1], nearest_mode)]
        return by_rows[:, :, _nearest(columns, x.shape[2], nearest_mode)]
    offset = 128 if dtype == 2 else 0
    outside = x.astype(np.int32) + offset
    y = _blend(outside, rows, columns) if axes[0].scale != 1 else _blend_columns(outside, columns)
    return (y - offset).astype(np.int8)


def q_float_resize(
    x: Array,
    *,
    scales: Sequence[float],
    coordinate_transformation_mode: str,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,H',W',C]`, in float32."""
    quantization = (x_scale, x_zero_point, y_scale, y_zero_point)
    return _resized_in_float(x, _by_scales(x, scales), coordinate_transformation_mode, *quantization)


def q_float_resize_to(
    x: Array,
    sizes: Array,
    *,
    coordinate_transformation_mode: str,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
) -> Array:
    """`[N,H,W,C]` -> `[N,*sizes,C]`, in float32."""
    quantization = (x_scale, x_zero_point, y_scale, y_zero_point)
    return _resized_in_float(x, _to_sizes(x, sizes), coordinate_transformation_mode, *quantization)


def _resized_in_float(
    x: Array,
    axes: Sequence[Axis],
    coordinates: str,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
) -> Array:
    real = (x.astype(np.int32) - x_zero_point).astype(F) * F(x_scale)
    if any(axis.size != axis.resized for axis in axes):
        real = _blend_real(real, *(_coordinates(*axis, coordinates) for axis in axes))
    steps = np.clip(real / F(y_scale), F(-128 - y_zero_point), F(127 - y_zero_point))
    y: Array = (np.rint(steps).astype(np.int32) + y_zero_point).astype(np.int8)
    return y


def _blend_real(x: Array, rows: Array, columns: Array) -> Array:
    """Four pixels, in float32."""

    def weights(at: Array, first: Array, second: Array) -> tuple[Array, Array]:
        same = first == second
        return np.where(same, F(0.5), second.astype(F) - at), np.where(same, F(0.5), at - first.astype(F))

    row_at, top, bottom = _neighbours(rows, x.shape[1])
    column_at, left, right = _neighbours(columns, x.shape[2])
    from_rows, from_columns = weights(row_at, top, bottom), weights(column_at, left, right)
    total: Array | None = None
    for row, row_weight in zip((top, bottom), from_rows, strict=True):
        for column, column_weight in zip((left, right), from_columns, strict=True):
            weight = (row_weight[:, None] * column_weight[None, :])[None, :, :, None]
            term = weight * x[:, row][:, :, column]
            total = term if total is None else total + term
    assert total is not None
    return total


def _coordinates(size: int, resized: int, scale: np.float32, mode: str) -> Array:
    """Where each pixel of the result lies, in float32."""
    at = np.arange(resized, dtype=F)
    if scale == 1:
        return at
    if mode == "asymmetric":
        return at / scale
    if mode == "tf_half_pixel_for_nn":
        return (at + F(0.5)) / scale
    if mode == "align_corners":
        return at * F(size - 1) / F(resized - 1) if resized > 1 else F(0) * at
    if mode == "pytorch_half_pixel" and resized == 1:
        return F(0) * at
    if mode == "half_pixel_symmetric":
        offset = F(size) / F(2) * (F(1) - F(resized) / (scale * F(size)))
        return (np.float64(offset) + (at.astype(np.float64) + 0.5) / np.float64(scale) - 0.5).astype(F)
    return (at + F(0.5)) / scale - F(0.5)


def _nearest(at: Array, size: int, mode: str) -> Array:
    below = np.floor(at)
    if mode == "ceil":
        pixel = np.ceil(at)
    elif mode == "floor":
        pixel = below
    else:  # within 1e-6 of the middle the mode decides
        tie = np.abs(at - below - F(0.5)) < F(1e-6)
        pixel = below + np.where(tie, F(mode == "round_prefer_ceil"), F(at - below > F(0.5)))
    clipped: Array = np.clip(pixel.astype(np.int64), 0, size - 1)
    return clipped


def _neighbours(at: Array, size: int) -> tuple[Array, Array, Array]:
    """For each coordinate: itself inside the image, the pixel before and the pixel after."""
    at = np.clip(at, F(0), F(size - 1))
    first = at.astype(np.int64)
    return at, first, np.minimum(first + 1, size - 1)


def _blend(x: Array, rows: Array, columns: Array) -> Array:
    """In integers: weights of 10 bits, cut off; the result cut off towards 0."""

    def weights(at: Array, first: Array, second: Array) -> tuple[Array, Array]:
        after = np.where(first == second, 512, (at * F(1024)).astype(np.int64) - first * 1024)
        return 1024 - after, after

    row_at, top, bottom = _neighbours(rows, x.shape[1])
    column_at, left, right = _neighbours(columns, x.shape[2])
    upper, lower = (w[None, :, None, None] for w in weights(row_at, top, bottom))
    before, after = (w[None, None, :, None] for w in weights(column_at, left, right))
    above, below = (x[:, row][:, :, left] * before + x[:, row][:, :, right] * after for row in (top, bottom))
    total = above * upper + below * lower
    y: Array = np.where(total < 0, -(-total >> 20), total >> 20)
    return y


def _blend_columns(x: Array, columns: Array) -> Array:
    """In float32, of images whose rows are x's columns and whose columns are x's channels, not resized."""
    at, left, right = _neighbours(columns, x.shape[2])
    same = left == right
    before = np.where(same, F(0.5), right.astype(F) - at)[None, None, :, None]
    after = np.where(same, F(0.5), at - left.astype(F))[None, None, :, None]
    channel = np.zeros(x.shape[3], F)
    channel[-1] = F(0.5)  # the last channel is blended with itself
    terms = [
        (1 - channel) * before * x[:, :, left].astype(F),
        channel * before * x[:, :, left].astype(F),
        (1 - channel) * after * x[:, :, right].astype(F),
        channel * after * x[:, :, right].astype(F),
    ]
    y: Array = np.trunc(((terms[0] + terms[1]) + terms[2]) + terms[3])
    return y


def q_depth_to_space(x: Array, *, blocksize: int, crop: Sequence[int]) -> Array:
    """`[N,H,W,b*b*C]` -> `[N,H*b-top-bottom,W*b-left-right,C]`."""
    n, h, w, c = x.shape
    b = blocksize
    full = np.empty((n, h * b, w * b, c // (b * b)), np.int8)
    for i, j in np.ndindex(b, b):
        block = i * b + j
        full[:, i::b, j::b] = x[..., block * full.shape[3] : (block + 1) * full.shape[3]]
    top, left, bottom, right = crop
    cropped: Array = full[:, top : h * b - bottom, left : w * b - right]
    return cropped
