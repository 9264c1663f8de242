"""QConv or QConv3D: a transposed convolution, each phase of its strides by itself, and these interleaved.

    y[s*q + r - top] = sum over j of x[q - j] * w[r + s*j]            r = 0 ... s - 1

is for each r a convolution of x with every s-th tap of w, in reverse; the results of all phases, one for each
r of each axis, are the channels of one convolution, and its pixels become blocks of as many pixels.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Port, Quantized
from qudnn.converter.lowering.conv.conv import make_conv
from qudnn.converter.lowering.image.depth_to_space import Blocks, make_depth_to_space
from qudnn.converter.lowering.layout.interleave import make_interleaved
from qudnn.converter.lowering.matmul_result import Requantized
from qudnn.converter.lowering.sequence import between, make_sequence
from qudnn.converter.lowering.weights import Filters, Weights


def make_conv_transpose(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    x_shape: Shape,
    filters: Filters,
    output_padding: Sequence[int],
    bias: NDArray[Any] | None,
    y: Requantized,
) -> Candidate:
    """The candidate for a transposed convolution in one to three dimensions.

    x_shape: `[N, C, spatial...]`. filters: with weights `[C, K/group, kernel...]`, scales and zero points
    `[1]` or `[K]`, and its own kernel, strides, dilations and pads, which are what the result lacks at both
    ends. output_padding: for each axis of the window. bias: int32 `[K]`, in units of x_scale * w_scale.
    """
    (weight, scales, zero_points), window, group = filters
    if not weight.size:
        raise Refusal("its weights are empty")
    if weight.ndim == 3:  # a row of an image
        weight = weight[:, :, None, :]
    outputs, phases = weight.shape[1] * group, prod(window.strides)
    axes = [_phase_geometry(window, output_padding[axis], axis) for axis in range(weight.ndim - 2)]
    taps, pads_before, pads_after, crops_before, crops_after = (
        list(each) for each in zip(*axes, strict=True)
    )
    spread = _dilated(_dense(weight, zero_points, group), window.dilations)
    kernels = _phases(spread, window.strides, taps)
    ones = (1,) * len(taps)
    inner = Geometry(tuple(taps), ones, ones, (*pads_before, *pads_after))
    crop = (*crops_before, *crops_after)
    interleaves = phases > 1 or any(crop)
    middle = between(y.value, "blocks") if interleaves else y.value
    convolution = make_conv(
        covers,
        x,
        x_shape,
        Filters(
            Weights(kernels, np.tile(scales, phases) if scales.size > 1 else scales, np.zeros(1, np.int32)),
            inner,
            1,
        ),
        None if bias is None else np.tile(bias, phases),
        replace(y, value=middle),
    )
    if not interleaves:
        return convolution
    return make_sequence([convolution, _pixels(covers, convolution.outputs[0], y, window, crop, outputs)])


def _pixels(
    covers: tuple[ir.Node, ...],
    blocks: Port,
    y: Requantized,
    window: Geometry,
    crop: tuple[int, ...],
    outputs: int,
) -> Candidate:
    """Blocks of pixels, as channels, in their places."""
    rank = len(blocks.shape)
    stride = window.strides[0]
    if rank == 4 and stride > 1 and set(window.strides) == {stride}:
        into = Blocks(stride, crop=(crop[0], crop[1], crop[2], crop[3]))
        return make_depth_to_space(covers, blocks.value, y.value, blocks.dtype, into, blocks.shape)
    spatial = rank - 2
    first = len(window.strides) - spatial  # of a row, its height is left out
    crops = [(crop[axis], crop[axis + len(window.strides)]) for axis in range(first, len(window.strides))]
    return make_interleaved(covers, blocks, y.value, window.strides[first:], crops, outputs)


def _phase_geometry(window: Geometry, output_padding: int, axis: int) -> tuple[int, int, int, int, int]:
    """Of the convolution along an axis: taps, padding before and after, and pixels to crop of its blocks."""
    size = (window.kernel[axis] - 1) * window.dilations[axis] + 1
    stride, before, after = window.strides[axis], window.pads[axis], window.pads[axis + len(window.kernel)]
    taps = -(-size // stride)
    # All sums with at least one pixel of x: taps - 1 more than x has pixels, of `stride` results each.
    crop = before, taps * stride - size - output_padding + after
    pads, crops = zip(*(_less(taps - 1, pixels, stride) for pixels in crop), strict=True)
    return taps, *pads, *crops


def _less(padding: int, crop: int, stride: int) -> tuple[int, int]:
    """Padding and crop, the latter less than a block where there is padding to leave out instead.

    More padding where the crop is negative, for results of no pixel.
    """
    blocks = min(crop // stride, padding)
    return padding - blocks, crop - blocks * stride


def _dense(weight: NDArray[Any], zero_points: NDArray[Any], group: int) -> NDArray[np.int32]:
    """[C, K/group, kernel...], less the zero points [1] or [K] -> [C, K, kernel...]"""
    if zero_points.dtype != weight.dtype:
        raise Refusal(f"its weights are {weight.dtype}, but their zero points {zero_points.dtype}")
    c, k, *size = weight.shape
    points = np.broadcast_to(zero_points.astype(np.int32), (group * k,)).reshape(
        group, 1, k, *[1] * len(size)
    )
    centered = weight.astype(np.int32).reshape(group, c // group, k, *size) - points
    dense = np.zeros((group, c // group, group, k, *size), np.int32)
    for i in range(group):
        dense[i, :, i] = centered[i]
    return dense.reshape(c, group * k, *size)


def _dilated(weight: NDArray[np.int32], dilations: tuple[int, ...]) -> NDArray[np.int32]:
    """[C, K, kernel...], with zeros between the taps."""
    c, k, *size = weight.shape
    spread = np.zeros((c, k, *((n - 1) * d + 1 for n, d in zip(size, dilations, strict=True))), np.int32)
    spread[:, :, *(slice(None, None, dilation) for dilation in dilations)] = weight
    return spread


def _phases(weight: NDArray[np.int32], strides: Sequence[int], taps: Sequence[int]) -> NDArray[np.int32]:
    """[C, K, kernel...] -> [phases * K, C, taps...], the kernel of each phase in reverse.

    Phases are in the order of their places in a block, the last axis first.
    """
    c, k = weight.shape[:2]
    found = np.zeros((*strides, k, c, *taps), np.int32)
    for phase in product(*map(range, strides)):
        part = weight[:, :, *(slice(r, None, stride) for r, stride in zip(phase, strides, strict=True))]
        reverse = np.flip(part, tuple(range(2, weight.ndim))).swapaxes(0, 1)
        # Of the taps that a phase lacks, the first ones in reverse.
        places = (slice(n - m, None) for n, m in zip(taps, reverse.shape[2:], strict=True))
        index: tuple[Any, ...] = (*phase, slice(None), slice(None), *places)
        found[index] = reverse
    return found.reshape(-1, c, *taps)
