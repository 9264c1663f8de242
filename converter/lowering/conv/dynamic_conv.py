"""DynamicQConv: as DynamicQMatMul, with the padding of the convolution written as the input is quantized."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.dynamic_matmuls import WeightTerms
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, padded, plain, unpadded
from qudnn.converter.island.packing import (
    Float32Array,
    Split,
    pack_conv,
    scattered,
    split_beyond_int8,
    weight_sums,
)
from qudnn.converter.island.port import Tensor, port_outside
from qudnn.converter.lowering.conv.channels_first import channels_first
from qudnn.converter.lowering.layout.rows import as_image
from qudnn.converter.lowering.weights import Filters


@dataclass(frozen=True)
class DynamicConv:
    """split: the weight `[K, D/group, R, S]`; scale, addend, bias: `[K]`; channels: of x, outside.

    bias: float32, for sums in int32, to which it is rounded down at run time; None without.
    """

    split: Split
    scale: Float32Array
    addend: Float32Array
    bias: Float32Array | None
    window: Geometry
    group: int
    channels: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        rank = tensors[0].layout.rank
        layout = plain(rank, 1, self.channels)
        packed, k = pack_conv(self.split.weight, self.group), len(self.scale)
        outputs = padded(k)
        part = WeightTerms(weight_sums(packed.weight), scattered(self.scale, 0, range(k), outputs))
        quantized, bias, multiplier = emitter.quantized(tensors[0], layout, part, self._pads(layout))
        if self.bias is not None:
            bias = _in_units(emitter, scattered(self.bias, 0, range(k), outputs), bias, multiplier)
        x = as_image(emitter, emitter.repeated(quantized, self.split.channels))
        weight = Tensor(emitter.constant("weight", packed.weight), unpadded(4))
        attributes: dict[str, Attribute] = {
            "strides": self.window.strides,
            "dilations": self.window.dilations,
            "group": packed.group,
            "first": 0,
        }
        y = emitter.op(
            "DynamicQConv",
            (x, weight, bias, multiplier),
            unpadded(4),
            attributes,
            {"addend": scattered(self.addend, 0, range(k), outputs)},
            dtype=ir.DataType.FLOAT,
        )
        return [channels_first(emitter, y, rank, k)]

    def _pads(self, layout: Layout) -> list[int]:
        """Those of the convolution and of the channels, inside."""
        before, after = self.window.pads[:2], self.window.pads[2:]
        spatial = layout.rank - 2
        return [0, *before[-spatial:], 0, 0, *after[-spatial:], layout.pads_in[-1]]


def _in_units(emitter: Emitter, floats: Float32Array, bias: Tensor, multiplier: Tensor) -> Tensor:
    """bias + int32(floor(floats / multiplier)); bias and multiplier are those that came with x."""
    quotient = emitter.vector("Div", [emitter.constant("float_bias", floats), multiplier.value])
    whole = emitter.vector("Floor", [quotient.value])
    number = emitter.vector("Cast", [whole.value], ir.DataType.INT32, to=int(ir.DataType.INT32))
    return emitter.vector("Add", [bias.value, number.value], ir.DataType.INT32)


def make_dynamic_conv(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    x_shape: Shape,
    filters: Filters,
    addend: Float32Array | None,
    bias: Float32Array | None,
    y: ir.Value,
) -> Candidate:
    """The candidate for a convolution of a float32 tensor, quantized as DynamicQuantizeLinear does it.

    x: float32 `x_shape` = `[N, C, H, W]` or `[N, C, W]`; filters: with weights
    `[K, C/group, R, S]` and scales `[K]`; addend: `[K]`, of the float32 result y; bias: `[K]`, which is added
    to the sums, in units of their scale and rounded down.
    Weights that their zero point brings beyond int8 become several.
    """
    (weights, window, group), k, channels = filters, filters.outputs, filters.channels
    n, _, *spatial = x_shape
    split = split_beyond_int8(weights.values, weights.zero_points.reshape(-1, 1, 1, 1), group)
    nothing = np.full(k, -0.0, np.float32)
    op = DynamicConv(
        split, weights.scales, nothing if addend is None else addend, bias, window, group, channels
    )
    return Candidate(
        covers,
        op,
        (port_outside(x, (n, channels, *spatial), ir.DataType.FLOAT),),
        (port_outside(y, (n, k, *window.output(*spatial)), ir.DataType.FLOAT),),
    )
