"""Packing weights for the kernels: channels-last, channels padded to 16, zero points folded away.

All functions are pure; `unpack_*` undo them for whoever wants to look inside a converted model.
Padding of weights, biases and multipliers is zero.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.island.layout import ALIGNMENT, padded

Int8Array = NDArray[np.int8]
Int32Array = NDArray[np.int32]
Float32Array = NDArray[np.float32]


class PackedConv(NamedTuple):
    weight: Int8Array  # [Kp, kernel..., Cp / group]
    group: int


def centered(weight: NDArray[Any], zero_point: NDArray[Any]) -> Int8Array:
    """weight - zero_point as int8; zero_point is broadcast against weight."""
    difference = _difference(weight, zero_point)
    low, high = int(difference.min(initial=0)), int(difference.max(initial=0))
    if low < -128 or high > 127:
        raise Refusal(f"its weights minus their zero point range from {low} to {high}, beyond int8")
    return difference.astype(np.int8)


class Split(NamedTuple):
    weight: Int8Array  # [K, D/group, kernel...]
    channels: list[int]  # D of them: which channel each one is


def split_beyond_int8(weight: NDArray[Any], zero_point: NDArray[Any], group: int = 1) -> Split:
    """weight [K, C/group, kernel...] - zero_point as int8 weights, for channels of which some are repeated.

    Where a difference is beyond int8, its channel is there again, for what is left of the difference.
    """
    rest = _difference(weight, zero_point)
    k, per_group = rest.shape[:2]
    by_group = rest.reshape(group, k // group, *rest.shape[1:])  # a view: rest changes with it
    channels = np.arange(group * per_group).reshape(group, per_group)
    taken = np.broadcast_to(np.arange(per_group), (group, per_group))
    weights, order = [], []
    while True:
        index = taken.reshape(group, 1, -1, *[1] * (rest.ndim - 2))
        part = np.clip(np.take_along_axis(by_group, index, axis=2), -128, 127)
        weights.append(part.reshape(k, -1, *rest.shape[2:]))
        order.append(np.take_along_axis(channels, taken, axis=1))
        np.put_along_axis(by_group, index, np.take_along_axis(by_group, index, axis=2) - part, axis=2)
        left = by_group.any(axis=(1, *range(3, by_group.ndim)))  # [group, C/group]
        if not left.any():
            return Split(
                np.concatenate(weights, axis=1).astype(np.int8),
                np.concatenate(order, axis=1).reshape(-1).tolist(),
            )
        # In every group as many channels as in the one that needs most.
        taken = np.argsort(~left, axis=1, kind="stable")[:, : left.sum(axis=1).max()]


def _difference(weight: NDArray[Any], zero_point: NDArray[Any]) -> Int32Array:
    if zero_point.dtype != weight.dtype:
        raise Refusal(f"its weights are {weight.dtype}, but their zero points {zero_point.dtype}")
    difference: Int32Array = weight.astype(np.int32) - zero_point.astype(np.int32)
    return difference


def fold_zero_point(bias: Int32Array, weight: Int8Array, x_zero_point: int) -> Int32Array:
    """bias - x_zero_point * sum(weight), for weight [K, ...] and bias [K], wrapping like int32."""
    return _wrapped(bias.astype(np.int64) - x_zero_point * _sums(weight))


def weight_sums(weight: Int8Array) -> Int32Array:
    """sum(weight) of each output, for weight [K, ...], wrapping like int32."""
    return _wrapped(_sums(weight))


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
    the same size: as they are, or followed by empty groups. Otherwise they become dense. Groups of 2
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


def _sums(weight: Int8Array) -> NDArray[np.int64]:
    sums: NDArray[np.int64] = weight.reshape(weight.shape[0], -1).sum(axis=1, dtype=np.int64)
    return sums


def _wrapped(array: NDArray[np.int64]) -> Int32Array:
    # Through uint64: numpy wraps unsigned numbers without complaint.
    wrapped: Int32Array = array.astype(np.uint64).astype(np.uint32).view(np.int32)
    return wrapped
