"""Dynamic quantization of what an op has computed, and the matmuls that follow it."""

import math
from collections.abc import Sequence

import numpy as np

from oracles.arithmetic import Array, wrap
from oracles.batch_matmul import batch_matmul_sums
from oracles.border import quantize_to_island
from oracles.conv import conv_sums
from oracles.layer_normalization import layer_normalization
from oracles.matmul import dequantize, matmul_sums


def dynamically_quantized(
    x: Array, perm: Sequence[int], pads: Sequence[int]
) -> tuple[Array, np.float32, int]:
    """float32 -> int8 y, scale, zero_point. Without NaN: the CPU does not define what it does to a range."""
    low = np.float32(min(0, x.min(initial=0)))
    high = np.float32(max(0, x.max(initial=0)))
    with np.errstate(all="ignore"):
        scale = np.float32(1) if low == high else (high - low) / np.float32(255)
        place = np.float32(0) - low / scale
        place = np.float32(255) if np.isnan(place) else np.clip(place, 0, 255)
        zero_point = int(np.rint(place)) - 128
        y = quantize_to_island(x, perm=perm, pads=pads, scale=float(scale), zero_point=zero_point)
    return y, scale, zero_point


def dynamic_quantize_to_island(
    x: Array, w_sum: Array, w_scale: Array, *, perm: Sequence[int], pads: Sequence[int]
) -> tuple[Array, Array, Array]:
    """y, bias and multiplier."""
    y, scale, zero_point = dynamically_quantized(x, perm, pads)
    with np.errstate(all="ignore"):
        return y, wrap(w_sum.astype(np.int64) * -zero_point), scale * w_scale


def dynamic_gelu_to_island(
    x: Array,
    w_sum: Array,
    w_scale: Array,
    *,
    perm: Sequence[int],
    pads: Sequence[int],
    divisor: float,
    factor: float,
) -> tuple[Array, Array, Array]:
    """Of Gelu(x), whose erf is rounded from float64: onnxruntime's is not, so that bits may differ."""
    argument = x / np.float32(divisor) * np.float32(factor)
    erf = np.array([math.erf(a) for a in argument.ravel()], np.float32).reshape(x.shape)
    gelu = x * (erf + np.float32(1)) * np.float32(0.5)
    return dynamic_quantize_to_island(gelu, w_sum, w_scale, perm=perm, pads=pads)


def dynamic_layer_normalization_to_island(
    x: Array,
    gamma: Array,
    beta: Array,
    w_sum: Array,
    w_scale: Array,
    *,
    pads: Sequence[int],
    epsilon: float,
) -> tuple[Array, Array, Array, Array]:
    """y, and q, bias and multiplier."""
    y = layer_normalization(x, gamma, beta, epsilon)
    return y, *dynamic_quantize_to_island(y, w_sum, w_scale, perm=range(y.ndim), pads=pads)


def dynamic_add_layer_normalization_to_island(
    a: Array, b: Array, *others: Array, pads: Sequence[int], epsilon: float
) -> tuple[Array, Array, Array, Array, Array]:
    """The sum, y, and q, bias and multiplier."""
    total = a + b
    return total, *dynamic_layer_normalization_to_island(total, *others, pads=pads, epsilon=epsilon)


def dynamic_q_matmul(
    x: Array, w: Array, bias: Array, multiplier: Array, addend: Array, *, first: int
) -> Array:
    """x `[..., C]`, w `[K, C]` -> float32 `[..., K]`."""
    return _product(matmul_sums(x, w), bias, multiplier, addend, first)


def dynamic_q_batch_matmul(
    a: Array,
    b: Array,
    a_zero_point: Array,
    b_zero_point: Array,
    a_scale: Array,
    b_scale: Array,
    *,
    y_perm: Sequence[int],
    **layout: object,
) -> Array:
    """int8 a and b -> float32 y."""
    sums = batch_matmul_sums(a, b, b_zero_point, a_zero_point=int(a_zero_point[0]), **layout)  # type: ignore[arg-type]
    with np.errstate(all="ignore"):
        y: Array = wrap(sums).astype(np.float32) * (a_scale * b_scale)
    return y.transpose(y_perm)


def dynamic_q_conv(
    x: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    addend: Array,
    *,
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    first: int,
) -> Array:
    """x `[N,H,W,C]`, w `[K,R,S,C/group]` -> float32 `[N,P,Q,K]`."""
    acc = conv_sums(x, w, [0, 0, 0, 0], strides, dilations, group, 0)
    return _product(acc, bias, multiplier, addend, first)


def _product(acc: Array, bias: Array, multiplier: Array, addend: Array, first: int) -> Array:
    part = slice(first, first + len(addend))
    return dequantize(wrap(acc + bias[part].astype(np.int64)), multiplier[part], addend)
