"""QResize, QFloatResize: more or fewer pixels, by the nearest one or between two in each direction."""

from collections.abc import Sequence
from math import frexp
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, times, unknown
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.port import Quantized, port
from qudnn.converter.lowering.each import Each

MODES = ("nearest", "linear")
_MOST = 2**31  # pixels in a row
COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")


class Sampling(NamedTuple):
    """scales: how much Resize makes of each dimension, 4 of them. The modes are its attributes."""

    scales: Sequence[float]
    mode: str
    coordinate_mode: str
    nearest_mode: str


def make_resize(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    sampling: Sampling,
    shape: Shape,
) -> Candidate:
    """The candidate for a Resize of 8-bit images of `shape`, `[N, C, H, W]`."""
    scales, mode, coordinate_mode, nearest_mode = sampling
    if mode not in MODES:
        raise Refusal(f"mode {mode} is not supported")
    y_shape = _resized_shape(shape, scales, coordinate_mode)
    attributes: dict[str, Attribute] = {
        "scales": [1.0, float(scales[2]), float(scales[3]), 1.0],
        "mode": mode,
        "coordinate_transformation_mode": coordinate_mode,
        "nearest_mode": nearest_mode,
        "dtype": int(dtype),
    }
    note = ""
    if mode == "linear" and not _is_exact(coordinate_mode, scales[2:]):
        note = "onnxruntime's own result depends on the layout it chose for the image; within one quantum"
    ports = (port(x, shape, 1, dtype),), (port(y, y_shape, 1, dtype),)
    # onnxruntime's CUDA provider weights pixels in the tensor's own type (resize_impl.cu, 1.30): of 8 bits,
    # most by 0.
    return Candidate(covers, Each("QResize", attributes), *ports, note=note, only_inside=mode == "linear")


def make_float_resize(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    scales: Sequence[float],
    coordinate_mode: str,
    shape: Shape,
) -> Candidate:
    """The candidate for a linear Resize in float32 of 8-bit images of `shape`, `[N, C, H, W]`, and back."""
    y_shape = _resized_shape(shape, scales, coordinate_mode)
    if scales[2] == 1 and scales[3] != 1:
        raise Refusal("its result in onnxruntime depends on the layout that onnxruntime chose for the image")
    attributes: dict[str, Attribute] = {
        "scales": [1.0, float(scales[2]), float(scales[3]), 1.0],
        "coordinate_transformation_mode": coordinate_mode,
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "y_scale": float(y.quantization.scale),
        "y_zero_point": y.quantization.island_zero_point,
    }
    return Candidate(
        covers,
        Each("QFloatResize", attributes),
        (port(x.value, shape, 1, x.quantization.dtype),),
        (port(y.value, y_shape, 1, y.quantization.dtype),),
    )


def _resized_shape(shape: Shape, scales: Sequence[float], coordinate_mode: str) -> Shape:
    """Of the images, where they are that and the mode is one that the ops know."""
    if coordinate_mode not in COORDINATES:
        raise Refusal(f"coordinate_transformation_mode {coordinate_mode} is not supported")
    if len(shape) != 4 or len(scales) != 4 or scales[0] != 1 or scales[1] != 1:
        raise Refusal("it does not resize the height and width of images alone")
    n, c, h, w = shape
    return n, c, resized(h, scales[2]), resized(w, scales[3])


def _is_exact(coordinate_mode: str, scales: Sequence[float]) -> bool:
    """Whether all weights are short binary fractions, so that each way to compute gives the same."""
    powers = all(frexp(scale)[0] == 0.5 and 1 / 256 <= scale <= 256 for scale in scales)
    return powers and coordinate_mode != "align_corners"


def resized(size: Size, scale: float) -> Size:
    """floor(size * scale) in float32 (onnxruntime 1.30, upsamplebase.h, UpsampleBase::ComputeOutputShape)."""
    number = size if isinstance(size, int) else size.guess
    if not 0 <= number * scale < _MOST:
        raise Refusal(f"it resizes {size} by {scale}")
    scaled = int(np.float32(number) * np.float32(scale))
    if isinstance(size, int):
        return scaled
    if scale == int(scale):
        return times(size, int(scale))
    return unknown(f"floor({size}*{scale})", guess=scaled)
