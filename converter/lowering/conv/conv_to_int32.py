"""QConvToInt32: `sum((x - x_zp) * (w - w_zp))` of a convolution, as int32 outside of the island."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.packing import Split, fold_zero_point, pack_conv, split_beyond_int8
from qudnn.converter.island.port import Quantized, Tensor, port, port_outside
from qudnn.converter.lowering.conv.channels_first import channels_first
from qudnn.converter.lowering.layout.rows import as_image
from qudnn.converter.lowering.weights import Filters


@dataclass(frozen=True)
class ConvToInt32:
    """split: the weight `[K, D/group, R, S]`; x_zero_point: the island's."""

    split: Split
    window: Geometry
    group: int
    x_zero_point: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = as_image(emitter, emitter.repeated(emitter.plain(tensors[0]), self.split.channels))
        packed = pack_conv(self.split.weight, self.group)
        bias = np.zeros(packed.weight.shape[0], np.int32)
        constants: dict[str, NDArray[Any]] = {
            "weight": packed.weight,
            "bias": fold_zero_point(bias, packed.weight, self.x_zero_point),
        }
        attributes: dict[str, Attribute] = {
            "pads": self.window.pads,
            "strides": self.window.strides,
            "dilations": self.window.dilations,
            "group": packed.group,
            "x_zero_point": self.x_zero_point,
        }
        y = emitter.op("QConvToInt32", [x], unpadded(4), attributes, constants, dtype=ir.DataType.INT32)
        return [channels_first(emitter, y, tensors[0].layout.rank, self.split.weight.shape[0])]


def make_conv_to_int32(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    x_shape: Shape,
    filters: Filters,
    y: ir.Value,
) -> Candidate:
    """The candidate for a convolution of an 8-bit tensor with an int32 result y.

    x: `x_shape` = `[N, C, H, W]` or `[N, C, W]`. filters: with weights `[K, C/group, R, S]`. Scales do not
    matter. Weights that their zero point brings beyond int8 become several.
    """
    weights, window, group = filters
    n, _, *spatial = x_shape
    split = split_beyond_int8(weights.values, weights.zero_points.reshape(-1, 1, 1, 1), group)
    return Candidate(
        covers,
        ConvToInt32(split, window, group, x.quantization.island_zero_point),
        (port(x.value, (n, filters.channels, *spatial), 1, x.quantization.dtype),),
        (port_outside(y, (n, filters.outputs, *window.output(*spatial)), ir.DataType.INT32),),
    )
