"""QConv and QDepthToSpace: a transposed convolution, each phase of its strides by itself.

    y[s*q + r - top] = sum over j of x[q - j] * w[r + s*j]            r = 0 ... s - 1

is for each r a convolution of x with every s-th tap of w, in reverse; the results of all s * s of them
are the channels of one convolution, and its pixels become blocks of s * s pixels.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Int8Array, centered
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.conv import make_conv
from qudnn.converter.lowering.depth_to_space import Blocks, make_depth_to_space
from qudnn.converter.lowering.matmul_result import Requantized
from qudnn.converter.lowering.sequence import between, make_sequence
from qudnn.converter.lowering.weights import Filters, Weights


def make_conv_transpose(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    x_shape: Shape,
    filters: Filters,
    output_padding: tuple[int, int],
    bias: NDArray[Any] | None,
    y: Requantized,
) -> Candidate:
    """The candidate for a transposed convolution in two dimensions.

    x_shape: `[N, C, H, W]`. filters: with weights `[C, K/group, R, S]` and its own kernel, strides,
    dilations and pads. bias: int32 `[K]`, in units of x_scale * w_scale.
    """
    (weight, weight_scales, weight_zero_points), window, group = filters
    stride = window.strides[0]
    if window.strides != (stride, stride):
        raise Refusal(f"its strides {window.strides} are not equal")
    if group > 1 and weight_scales.size > 1:
        raise Refusal("its weights are quantized per output and have groups")
    w = centered(weight, weight_zero_points.reshape(1, -1, 1, 1))
    phases = [_phase_geometry(window, output_padding[axis], axis) for axis in range(2)]
    (taps_h, *pads_h, crop_top, crop_bottom), (taps_w, *pads_w, crop_left, crop_right) = phases
    kernels = _phases(_dilated(_dense(w, group), window.dilations), stride, (taps_h, taps_w))
    blocks = stride * stride
    inner = Geometry((taps_h, taps_w), (1, 1), (1, 1), (pads_h[0], pads_w[0], pads_h[1], pads_w[1]))
    middle = between(y.value, "blocks") if blocks > 1 else y.value
    scales = np.tile(weight_scales, blocks) if weight_scales.size > 1 else weight_scales
    convolution = make_conv(
        covers,
        x,
        x_shape,
        Filters(Weights(kernels, scales, np.zeros(1, np.int8)), inner, 1),
        None if bias is None else np.tile(bias, blocks),
        replace(y, value=middle),
    )
    if blocks == 1:
        return convolution
    crop = (crop_top, crop_left, crop_bottom, crop_right)
    port = convolution.outputs[0]
    pixels = make_depth_to_space(covers, middle, y.value, port.dtype, Blocks(stride, crop=crop), port.shape)
    return make_sequence([convolution, pixels])


def _phase_geometry(window: Geometry, output_padding: int, axis: int) -> tuple[int, int, int, int, int]:
    """Of the convolution along an axis: taps, padding before and after, and pixels to crop of its blocks."""
    size = (window.kernel[axis] - 1) * window.dilations[axis] + 1
    stride, before, after = window.strides[axis], window.pads[axis], window.pads[axis + 2]
    taps = -(-size // stride)
    # All sums with at least one pixel of x: taps - 1 more than x has pixels, of `stride` results each.
    crop = before, taps * stride - size - output_padding + after
    pads, crops = zip(*(_less(taps - 1, pixels, stride) for pixels in crop), strict=True)
    if min(pads) < 0 or min(crops) < 0 or (stride == 1 and any(crops)):
        raise Refusal("its pads reach beyond its kernel")
    return taps, *pads, *crops


def _less(padding: int, crop: int, stride: int) -> tuple[int, int]:
    """Padding and crop, the latter less than a block where there is padding to leave out instead."""
    blocks = min(crop // stride, padding)
    return padding - blocks, crop - blocks * stride


def _dense(weight: Int8Array, group: int) -> Int8Array:
    """[C, K/group, R, S] -> [C, K, R, S]"""
    c, k, *size = weight.shape
    dense = np.zeros((group, c // group, group, k, *size), np.int8)
    for i in range(group):
        dense[i, :, i] = weight[i * (c // group) : (i + 1) * (c // group)]
    return dense.reshape(c, group * k, *size)


def _dilated(weight: Int8Array, dilations: tuple[int, ...]) -> Int8Array:
    """[C, K, R, S], with zeros between the taps."""
    c, k, *size = weight.shape
    spread = np.zeros((c, k, *((n - 1) * d + 1 for n, d in zip(size, dilations, strict=True))), np.int8)
    spread[:, :, :: dilations[0], :: dilations[1]] = weight
    return spread


def _phases(weight: Int8Array, stride: int, taps: tuple[int, int]) -> Int8Array:
    """[C, K, R, S] -> [stride * stride * K, C, *taps], the kernel of each phase in reverse."""
    c, k, r, s = weight.shape
    full = np.zeros((c, k, taps[0] * stride, taps[1] * stride), np.int8)
    full[:, :, :r, :s] = weight
    split = full.reshape(c, k, taps[0], stride, taps[1], stride).transpose(3, 5, 1, 0, 2, 4)
    return np.ascontiguousarray(split[..., ::-1, ::-1]).reshape(stride * stride * k, c, *taps)
