"""QResize, QFloatResize: more or fewer pixels, by the nearest one or between two in each direction.

QResizeTo, QFloatResizeTo: as many as are known only at run time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.bounds import is_never_negative
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.sizes import Shape, Size, plus, times, unknown
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.port import Quantized, Tensor, port
from qudnn.converter.lowering.each import Each
from qudnn.converter.lowering.elementwise.table import make_table
from qudnn.converter.lowering.sequence import between, make_sequence

MODES = ("nearest", "linear")
_MOST = 2**31  # pixels in a row
COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")


# onnxruntime's kernels for the two layouts blend rows that are not resized in different ways.
_ROWS_KEPT = (
    "at sizes that change the width of the image and not its height, onnxruntime's own result depends on the "
    "layout it chose for the image; within one quantum"
)


class Extent(NamedTuple):
    """Of images after a Resize. scales: of rows and columns; None where sizes are known only at run time."""

    sizes: tuple[Size, Size]
    scales: tuple[float, float] | None


class Sampling(NamedTuple):
    """The modes are Resize's attributes."""

    mode: str
    coordinate_mode: str
    nearest_mode: str


@dataclass(frozen=True)
class Spread:
    """A single pixel, as often as the result has pixels."""

    sizes: tuple[Size, Size]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        return [emitter.op("Expand", [x], x.layout, {}, {"shape": (1, *self.sizes, 1)}, domain="")]


def make_resize(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    extent: Extent,
    sampling: Sampling,
    shape: Shape,
) -> Candidate:
    """The candidate for a Resize of 8-bit images of `shape`, `[N, C, H, W]`."""
    mode, coordinate_mode, nearest_mode = sampling
    if mode not in MODES:
        raise Refusal(f"mode {mode} is not supported")
    attributes: dict[str, Attribute] = {
        "mode": mode,
        "coordinate_transformation_mode": coordinate_mode,
        "nearest_mode": nearest_mode,
        "dtype": int(dtype),
    }
    note = ""
    if mode == "linear" and not _is_exact(coordinate_mode, extent.scales):
        note = "onnxruntime's own result depends on the layout it chose for the image; within one quantum"
    ports = (port(x, shape, 1, dtype),), (port(y, _resized_shape(shape, extent, coordinate_mode), 1, dtype),)
    if is_spread(shape, extent):  # blended with itself, of 8 bits without any rounding
        return Candidate(covers, Spread(extent.sizes), *ports, only_inside=mode == "linear")
    op = _op("QResize", attributes, extent)
    # onnxruntime's CUDA provider weights pixels in the tensor's own type (resize_impl.cu, 1.30): of 8 bits,
    # most by 0.
    return Candidate(covers, op, *ports, note=note, only_inside=mode == "linear")


def is_spread(shape: Shape, extent: Extent) -> bool:
    """Whether images of one pixel become such of sizes that are known only at run time."""
    return extent.scales is None and shape[2:] == (1, 1)


def make_spread(
    covers: tuple[ir.Node, ...], x: Quantized, y: Quantized, extent: Extent, shape: Shape, facts: Facts
) -> Candidate | None:
    """The candidate for a linear Resize in float32 of images of one pixel, and back.

    onnxruntime blends the pixel with itself, by other weights where it takes the image for channels-last and
    the height stays: None where the result would depend on them.
    """
    dtype = x.quantization.dtype
    of_two, of_four = (spread_values(x.quantization, y.quantization, count) for count in (2, 4))
    if dtype != y.quantization.dtype or (of_two != of_four).any():
        return None
    n, c = shape[:2]
    if (of_two == np.arange(-128, 128)).all():
        ports = (port(x.value, shape, 1, dtype),), (port(y.value, (n, c, *extent.sizes), 1, dtype),)
        return Candidate(covers, Spread(extent.sizes), *ports)
    middle = between(y.value, "requantized")
    values = of_two if dtype == ir.DataType.INT8 else of_two.view(np.uint8) ^ np.uint8(128)
    looked_up = make_table(covers, x.value, middle, dtype, values, facts)
    ports = (port(middle, shape, 1, dtype),), (port(y.value, (n, c, *extent.sizes), 1, dtype),)
    return make_sequence([looked_up, Candidate(covers, Spread(extent.sizes), *ports)])


def spread_values(x: Quantization, y: Quantization, count: int) -> Int8Array:
    """What becomes of all values inside an island: dequantized, of so many equal parts, quantized."""
    real = np.arange(-128 - x.island_zero_point, 128 - x.island_zero_point).astype(np.float32) * x.scale
    part = real * np.float32(1 / count)
    total = part
    for _ in range(count - 1):
        total = total + part
    low, high = (np.float32(bound - y.island_zero_point) for bound in (-128, 127))
    with np.errstate(over="ignore"):
        steps = np.rint(np.clip(total / y.scale, low, high))
    found: Int8Array = (steps.astype(np.int32) + y.island_zero_point).astype(np.int8)
    return found


def make_float_resize(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    extent: Extent,
    coordinate_mode: str,
    shape: Shape,
) -> Candidate:
    """The candidate for a linear Resize in float32 of 8-bit images of `shape`, `[N, C, H, W]`, and back."""
    y_shape = _resized_shape(shape, extent, coordinate_mode)
    if extent.scales is not None and extent.scales[0] == 1 and extent.scales[1] != 1:
        raise Refusal("its result in onnxruntime depends on the layout that onnxruntime chose for the image")
    attributes: dict[str, Attribute] = {
        "coordinate_transformation_mode": coordinate_mode,
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "y_scale": float(y.quantization.scale),
        "y_zero_point": y.quantization.island_zero_point,
    }
    return Candidate(
        covers,
        _op("QFloatResize", attributes, extent),
        (port(x.value, shape, 1, x.quantization.dtype),),
        (port(y.value, y_shape, 1, y.quantization.dtype),),
        note=_ROWS_KEPT if extent.scales is None and not _grows(shape[2], extent.sizes[0]) else "",
    )


def _op(name: str, attributes: dict[str, Attribute], extent: Extent) -> Each:
    if extent.scales is None:
        return Each(f"{name}To", attributes, {"sizes": extent.sizes})
    return Each(name, {"scales": [1.0, *extent.scales, 1.0], **attributes})


def _grows(size: Size, resized: Size) -> bool:
    """Whether it is another size in any case."""
    more = plus(resized, times(-1, size))
    return any(is_never_negative(plus(change, -1)) for change in (more, times(-1, more)))


def _resized_shape(shape: Shape, extent: Extent, coordinate_mode: str) -> Shape:
    """Of the images, where the mode is one that the ops know."""
    if coordinate_mode not in COORDINATES:
        raise Refusal(f"coordinate_transformation_mode {coordinate_mode} is not supported")
    return *shape[:2], *extent.sizes


def _is_exact(coordinate_mode: str, scales: Sequence[float] | None) -> bool:
    """Whether all weights are short binary fractions, so that each way to compute gives the same."""
    if scales is None:
        return False
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
