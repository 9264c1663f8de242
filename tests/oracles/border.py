"""The ops that carry a tensor across an island's border."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.arithmetic import Array


def quantize_to_island(
    x: Array, *, perm: Sequence[int], pads: Sequence[int], scale: float, zero_point: int
) -> Array:
    """float32 -> int8; NaN gives -128."""
    with np.errstate(over="ignore"):
        r = x / np.float32(scale)
    r = np.where(np.isnan(r), -np.inf, r)
    r = np.rint(np.clip(r, np.float32(-128 - zero_point), np.float32(127 - zero_point)))
    return _pad(((r + zero_point).astype(np.int8)).transpose(perm), pads, zero_point)


def quantize_half_to_island(x: Array, **attributes: Any) -> Array:
    """float32 -> float16 -> int8."""
    with np.errstate(over="ignore"):
        return quantize_to_island(x.astype(np.float16).astype(np.float32), **attributes)


def convert_to_island(
    x: Array, *, perm: Sequence[int], pads: Sequence[int], zero_point: int, dtype: int
) -> Array:
    """uint8 (dtype 2) or int8 (3) -> int8."""
    shifted = x.astype(np.int32) - (128 if dtype == 2 else 0)
    return _pad(shifted.astype(np.int8).transpose(perm), pads, zero_point)


def dequantize_from_island(
    x: Array, *, perm: Sequence[int], channels: int, scale: float, zero_point: int
) -> Array:
    """int8 -> float32."""
    kept = x[..., :channels].transpose(perm).astype(np.int32)
    return (kept - zero_point).astype(np.float32) * np.float32(scale)


def convert_from_island(x: Array, *, perm: Sequence[int], channels: int, dtype: int) -> Array:
    """int8 -> uint8 (dtype 2) or int8 (3)."""
    kept = x[..., :channels].transpose(perm).astype(np.int32)
    return kept.astype(np.int8) if dtype == 3 else (kept + 128).astype(np.uint8)


def steps_to_island(
    x: Array, thresholds: Array, values: Array, *, perm: Sequence[int], pads: Sequence[int], zero_point: int
) -> Array:
    """float32 -> int8: how many thresholds are not above x says which value; NaN has the last one."""
    places = np.where(np.isnan(x), len(values) - 1, np.searchsorted(thresholds, x, side="right"))
    return _pad(values[places].transpose(perm), pads, zero_point)


def _pad(x: Array, pads: Sequence[int], value: int) -> Array:
    rank = x.ndim
    widths = [(pads[axis], pads[axis + rank]) for axis in range(rank)]
    return np.pad(x, widths, constant_values=value)
