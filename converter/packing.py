"""Packing weights for the kernels: channels-last, channels padded to 16, zero points folded away.

All functions are pure; `unpack_*` undo them for whoever wants to look inside a converted model.
Padding of weights, biases and multipliers is zero.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter.errors import Refusal
from converter.layout import ALIGNMENT, padded

Int8Array = NDArray[np.int8]
Int32Array = NDArray[np.int32]
Float32Array = NDArray[np.float32]


class PackedConv(NamedTuple):
    weight: Int8Array  # [Kp, kernel..., Cp / group]
    group: int


def centered(weight: NDArray[Any], zero_point: NDArray[Any]) -> Int8Array:
    """weight - zero_point as int8; zero_point is broadcast against weight."""
    difference = weight.astype(np.int32) - zero_point.astype(np.int32)
    low, high = int(difference.min(initial=0)), int(difference.max(initial=0))
    if low < -128 or high > 127:
        raise Refusal(f"its weights less their zero point reach from {low} to {high}, beyond int8")
    return difference.astype(np.int8)


def fold_zero_point(bias: Int32Array, weight: Int8Array, x_zero_point: int) -> Int32Array:
    """bias - x_zero_point * sum(weight), for weight [K, ...] and bias [K], wrapping like int32."""
    sums = weight.reshape(weight.shape[0], -1).sum(axis=1, dtype=np.int64)
    # Through uint64: numpy wraps unsigned numbers without complaint.
    folded = bias.astype(np.int64) - x_zero_point * sums
    wrapped: Int32Array = folded.astype(np.uint64).astype(np.uint32).view(np.int32)
    return wrapped


def scattered(array: NDArray[Any], axis: int, positions: Sequence[int], width: int) -> NDArray[Any]:
    """array with its elements along axis at positions of an axis of `width`, and zeros between them."""
    shape = list(array.shape)
    shape[axis] = width
    out = np.zeros(shape, array.dtype)
    index: list[Any] = [slice(None)] * array.ndim
    index[axis] = list(positions)
    out[tuple(index)] = array
    return out


def pack_conv(weight: Int8Array, group: int) -> PackedConv:
    """weight [K, C/group, kernel...] -> [Kp, kernel..., Cp/group'].

    Grouped convolutions keep their groups where the padded channels can be divided into groups of
    the same size: as they are, or with empty groups behind. Otherwise they become dense. Groups of 2
    and more channels that do not fill the tensor cores are merged with their neighbours.
    """
    if group == 1:
        return PackedConv(_pad_dense(channels_last(weight)), 1)
    k, c_per_group = weight.shape[:2]
    c, k_per_group = c_per_group * group, k // group
    groups, rest = divmod(padded(c), c_per_group)
    if rest or groups * k_per_group != padded(k):
        return PackedConv(_pad_dense(_merge_groups(channels_last(weight), group, group)), 1)
    w = scattered(channels_last(weight), 0, range(k), padded(k))
    if c_per_group > 1:
        merged = ALIGNMENT // np.gcd(ALIGNMENT, c_per_group)  # divides groups: padded(c) is a multiple of 16
        w = _merge_groups(w, groups, int(merged))
        groups //= int(merged)
    return PackedConv(w, groups)


def unpack_conv(packed: PackedConv, channels: int, outputs: int, group: int) -> Int8Array:
    """The weight [outputs, channels/group, kernel...] that pack_conv packed."""
    c_per_group, k_per_group = channels // group, outputs // group
    packed_c, packed_k = packed.weight.shape[-1], packed.weight.shape[0] // packed.group
    out = np.empty((outputs, c_per_group, *packed.weight.shape[1:-1]), np.int8)
    for k in range(outputs):
        first = (k // k_per_group) * c_per_group - (k // packed_k) * packed_c
        out[k] = np.moveaxis(packed.weight[k, ..., first : first + c_per_group], -1, 0)
    return out


def pack_matmul(weight: Int8Array) -> Int8Array:
    """weight [C, K] -> [Kp, Cp]."""
    c, k = weight.shape
    return np.pad(weight.T, ((0, padded(k) - k), (0, padded(c) - c)))


def unpack_matmul(packed: Int8Array, channels: int, outputs: int) -> Int8Array:
    """The weight [channels, outputs] that pack_matmul packed."""
    return packed[:outputs, :channels].T


def channels_last(weight: Int8Array) -> Int8Array:
    """weight [K, C, kernel...] -> [K, kernel..., C]."""
    return np.ascontiguousarray(np.moveaxis(weight, 1, -1))


def _pad_dense(weight: Int8Array) -> Int8Array:
    k, c = weight.shape[0], weight.shape[-1]
    rows = scattered(weight, 0, range(k), padded(k))
    return scattered(rows, weight.ndim - 1, range(c), padded(c))


def _merge_groups(weight: Int8Array, groups: int, factor: int) -> Int8Array:
    """[K, kernel..., C/groups] -> [K, kernel..., factor * C/groups], block-diagonal within factor groups."""
    k, *kernel, c = weight.shape
    out = np.zeros((k, *kernel, factor * c), np.int8)
    k_per_group = k // groups
    for i in range(k):
        place = (i // k_per_group) % factor
        out[i, ..., place * c : (place + 1) * c] = weight[i]
    return out
