"""QAveragePool, QAveragePool3D and QGlobalAveragePool: the mean of each window, or of each image."""

from math import prod

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.port import Quantized, port
from qudnn.converter.lowering.each import Each
from qudnn.converter.lowering.image.max_pool import of_window

# What QLinearGlobalAveragePool, which is the op's body, takes sums times; with others it fails.
# onnxruntime 1.30, qlgavgpool.cpp, CheckQLinearGlobalAveragePoolScaleAndSize.
_LEAST_SCALE, _BEYOND_SCALES = 2.0**-32, 256.0


def make_average_pool(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    window: Geometry,
    count_include_pad: bool,
    shape: Shape,
    arithmetic: Arithmetic,
) -> Candidate:
    """The candidate for an average pool in one to three dimensions; shape: `[N, C, spatial...]` of x."""
    if any(dilation != 1 for dilation in window.dilations):
        raise Refusal("its dilations are not 1")
    attributes: dict[str, Attribute] = {
        "kernel_shape": window.kernel,
        "pads": window.pads,
        "strides": window.strides,
        "ceil_mode": int(window.ceil_mode),
        "count_include_pad": int(count_include_pad),
        "x_scale": float(x.quantization.scale),
        "x_zero_point": arithmetic.zero_point(x.quantization),
        "y_scale": float(y.quantization.scale),
        "y_zero_point": arithmetic.zero_point(y.quantization),
        "dtype": int(arithmetic.integers),
    }
    return Candidate(
        covers,
        Each(of_window("QAveragePool", window), attributes, image=True),
        (port(x.value, shape, 1, x.quantization.dtype),),
        (port(y.value, (*shape[:2], *window.output(*shape[2:])), 1, y.quantization.dtype),),
    )


def make_global_average_pool(
    covers: tuple[ir.Node, ...], x: Quantized, y: Quantized, shape: Shape, channel_axis: int = 1
) -> Candidate:
    """The candidate for the mean over all axes of x but the first and that of the channels, which stay as 1.

    shape: of x, `[N, C, spatial...]` or, with another channel_axis, `[N, spatial..., C]`.
    """
    kept = (0, channel_axis)
    elements = prod(  # at least so many
        size for axis, size in enumerate(shape) if axis not in kept and isinstance(size, int)
    )
    y_shape = tuple(size if axis in kept else 1 for axis, size in enumerate(shape))
    return Candidate(
        covers,
        Each("QGlobalAveragePool", average_attributes(x, y, elements), image=True),
        (port(x.value, shape, channel_axis, x.quantization.dtype),),
        (port(y.value, y_shape, channel_axis, y.quantization.dtype),),
    )


def average_attributes(
    x: Quantized, y: Quantized, elements: Size, is_sum: bool = False
) -> dict[str, Attribute]:
    """Those of QGlobalAveragePool for the mean, or the sum, of so many elements, if their number is known."""
    count = np.float32(elements if isinstance(elements, int) else 1)
    y_scale = y.quantization.scale / count if is_sum else y.quantization.scale
    if not _LEAST_SCALE <= x.quantization.scale / (y_scale * count) < _BEYOND_SCALES:
        raise Refusal("onnxruntime has no integer mean for output and input scales that differ so much")
    return {
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "y_scale": float(y_scale),
        "y_zero_point": y.quantization.island_zero_point,
    }
