"""The epilogue of a matmul or convolution: what is made of its int32 sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.island.port import Port, Quantized, port, port_outside


@dataclass(frozen=True)
class Requantized:
    """8 bits: `saturate(rint(float(sum) * multiplier) + zero_point)`, cut off by clamp (of the int8 form)."""

    value: ir.Value
    quantization: Quantization
    clamp: tuple[int, int] = (-128, 127)

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        return {
            "y_zero_point": self.quantization.island_zero_point,
            "y_min": self.clamp[0],
            "y_max": self.clamp[1],
        }

    def port(self, shape: Shape, channel_axis: int) -> Port:
        return port(self.value, shape, channel_axis, self.quantization.dtype)


@dataclass(frozen=True)
class InFloat:
    """float32, outside of the island: `float(sum) * multiplier + addend`; addend: `[1]` or `[N]`."""

    value: ir.Value
    addend: Float32Array | None = None

    @property
    def addends(self) -> Float32Array:
        return np.full(1, -0.0, np.float32) if self.addend is None else self.addend

    def port(self, shape: Shape, channel_axis: int) -> Port:
        return port_outside(self.value, shape, ir.DataType.FLOAT)


_DIVISORS = 1e-30, 1e30  # the scales by which QConvFloatAdd divides lie between
# cuDNN's kernels take float32 below 2**-126 for 0. No sum times this is, nor what an addend leaves of it.
_LEAST_MULTIPLIER = 2.0**-100


@dataclass(frozen=True)
class Added:
    """8 bits of `float(sum) * multiplier` and a residual of the same shape, added in float32."""

    y: Requantized
    residual: Quantized

    def __post_init__(self) -> None:
        scale = self.y.quantization.scale
        if not _DIVISORS[0] < scale < _DIVISORS[1]:
            raise Refusal(f"the scale {scale} of the sum is not between {_DIVISORS[0]} and {_DIVISORS[1]}")

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        return {
            **self.y.attributes,
            "y_scale": float(self.y.quantization.scale),
            "r_scale": float(self.residual.quantization.scale),
            "r_zero_point": self.residual.quantization.island_zero_point,
        }

    def port(self, shape: Shape, channel_axis: int) -> Port:
        return self.y.port(shape, channel_axis)


@dataclass(frozen=True)
class Sums:
    """The sums themselves in int32, outside of the island."""

    value: ir.Value

    def port(self, shape: Shape, channel_axis: int) -> Port:
        return port_outside(self.value, shape, ir.DataType.INT32)


MatMulResult = Requantized | InFloat | Sums


def multiplier(
    alpha: float, a_scales: NDArray[Any], b_scales: NDArray[Any], result: Requantized | InFloat | Added
) -> Float32Array:
    """((alpha * a_scales) * b_scales) / y_scale, each step rounded to float32; in float without the last."""
    with np.errstate(over="ignore", under="ignore"):  # the kernels clamp what comes of it
        product: Float32Array = np.float32(alpha) * a_scales * b_scales
        if isinstance(result, Requantized):
            return product / result.quantization.scale
    if np.any((product != 0) & (np.abs(product) < _LEAST_MULTIPLIER)):
        raise Refusal("its scales make float results so near to 0 that a GPU may take them for 0")
    return product
