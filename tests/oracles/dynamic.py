"""Dynamic quantization of what an op has computed, and the products that follow it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.arithmetic import Array, wrap
from oracles.border import quantize_to_island
from oracles.conv import conv_sums
from oracles.layer_normalization import layer_normalization
from oracles.matmul import dequantize, matmul_sums


def dynamic_quantize_to_island(
    x: Array, *, perm: Sequence[int], pads: Sequence[int]
) -> tuple[Array, np.float32, np.int8]:
    """float32 -> int8 y, scale, zero_point. Without NaN: the CPU does not define what it does to a range."""
    low = np.float32(min(0, x.min(initial=0)))
    high = np.float32(max(0, x.max(initial=0)))
    with np.errstate(all="ignore"):
        scale = np.float32(1) if low == high else (high - low) / np.float32(255)
        place = np.float32(0) - low / scale
        place = np.float32(255) if np.isnan(place) else np.clip(place, 0, 255)
        zero_point = int(np.rint(place)) - 128
        y = quantize_to_island(x, perm=perm, pads=pads, scale=float(scale), zero_point=zero_point)
    return y, scale, np.int8(zero_point)


def dynamic_gelu_to_island(
    x: Array, *, perm: Sequence[int], pads: Sequence[int], divisor: float, factor: float
) -> tuple[Array, np.float32, np.int8]:
    """Of Gelu(x), whose erf is rounded from float64: onnxruntime's is not, so that bits may differ."""
    argument = x / np.float32(divisor) * np.float32(factor)
    erf = np.array([math.erf(a) for a in argument.ravel()], np.float32).reshape(x.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        gelu = x * (erf + np.float32(1)) * np.float32(0.5)
    return dynamic_quantize_to_island(gelu, perm=perm, pads=pads)


def dynamic_layer_normalization_to_island(
    x: Array, gamma: Array, beta: Array, *, pads: Sequence[int], epsilon: float
) -> tuple[Array, Array, np.float32, np.int8]:
    """y, and q, scale and zero_point."""
    y = layer_normalization(x, gamma, beta, epsilon)
    return y, *dynamic_quantize_to_island(y, perm=range(y.ndim), pads=pads)


def dynamic_add_layer_normalization_to_island(
    a: Array, b: Array, gamma: Array, beta: Array, *, pads: Sequence[int], epsilon: float
) -> tuple[Array, Array, Array, np.float32, np.int8]:
    """The sum, y, and q, scale and zero_point."""
    total = a + b
    return total, *dynamic_layer_normalization_to_island(total, gamma, beta, pads=pads, epsilon=epsilon)


def dynamic_q_matmul(
    x: Array, x_scale: Any, x_zero_point: Any, w: Array, w_sum: Array, w_scale: Array, addend: Array
) -> Array:
    """x `[..., C]`, w `[K, C]` -> float32 `[..., K]`."""
    return _product(matmul_sums(x, w), x_scale, x_zero_point, w_sum, w_scale, addend)


def dynamic_q_conv(
    x: Array,
    x_scale: Any,
    x_zero_point: Any,
    w: Array,
    w_sum: Array,
    w_scale: Array,
    addend: Array,
    *,
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
) -> Array:
    """x `[N,H,W,C]`, w `[K,R,S,C/group]` -> float32 `[N,P,Q,K]`."""
    acc = conv_sums(x, w, [0, 0, 0, 0], strides, dilations, group, 0)
    return _product(acc, x_scale, x_zero_point, w_sum, w_scale, addend)


def _product(
    acc: Array, x_scale: Any, x_zero_point: Any, w_sum: Array, w_scale: Array, addend: Array
) -> Array:
    multiplier = np.float32(x_scale) * w_scale
    return dequantize(wrap(acc - int(x_zero_point) * w_sum.astype(np.int64)), multiplier, addend)
