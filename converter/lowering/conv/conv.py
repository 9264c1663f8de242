"""QConv and QConv3D, channels-last, QConvToFloat and QConvFloatAdd.

y = saturate(rint((sum((x - x_zp) * (w - w_zp)) + bias) * multiplier) + y_zp)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, plain, unpadded
from qudnn.converter.island.packing import (
    Float32Array,
    Int8Array,
    Int32Array,
    channels_last,
    pack_conv,
    scattered,
    split_beyond_int8,
)
from qudnn.converter.island.port import Quantized, Tensor, port
from qudnn.converter.lowering.conv.channels_first import channels_first
from qudnn.converter.lowering.layout.rows import as_before, as_image
from qudnn.converter.lowering.matmul_result import Added, InFloat, Requantized
from qudnn.converter.lowering.repeated import with_channels
from qudnn.converter.lowering.requantization import bias_and_multiplier
from qudnn.converter.lowering.weights import Filters


@dataclass(frozen=True)
class Conv:
    """weight: `[K, C/group, R, S]` or `[K, C/group, T, R, S]`, less its zero point.

    bias, multiplier: `[K]`, zero points folded in.
    """

    weight: Int8Array
    bias: Int32Array
    multiplier: Float32Array
    window: Geometry
    group: int
    x_zero_point: int
    result: Requantized | InFloat | Added

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        outside = tensors[0].layout
        x = as_image(emitter, self._readable(emitter, tensors[0]))
        if isinstance(self.result, Added):
            wish = as_image(emitter, tensors[1]).layout
        weight, group, layout = self._packed(x.layout, wish)
        constants: dict[str, NDArray[Any]] = {
            "weight": weight,
            "bias": scattered(self.bias, 0, layout.positions, layout.width),
            "multiplier": scattered(self.multiplier, 0, layout.positions, layout.width),
        }
        attributes: dict[str, Attribute] = {
            "pads": self.window.pads,
            "strides": self.window.strides,
            "dilations": self.window.dilations,
            "group": group,
            "x_zero_point": self.x_zero_point,
        }
        if isinstance(self.result, InFloat):
            addend = np.broadcast_to(self.result.addends, self.bias.shape)
            constants["addend"] = scattered(addend, 0, layout.positions, layout.width)
            y = emitter.op("QConvToFloat", [x], unpadded(4), attributes, constants, dtype=ir.DataType.FLOAT)
            return [channels_first(emitter, y, outside.rank, len(self.bias))]
        attributes |= self.result.attributes
        if isinstance(self.result, Added):
            residual = emitter.moved(as_image(emitter, tensors[1]), layout)
            total = emitter.op("QConvFloatAdd", [x, residual], layout, attributes, constants)
            return [as_before(emitter, total, outside)]
        op_type = "QConv" if layout.rank == 4 else "QConv3D"
        return [as_before(emitter, emitter.op(op_type, [x], layout, attributes, constants), outside)]

    def _readable(self, emitter: Emitter, x: Tensor) -> Tensor:
        """x in a layout that weights can be packed for.

        Gaps cost only zero weights and multiplications by them. For a 1x1 convolution that is cheaper than
        another pass over its input.
        """
        if self.group == 1:
            pointwise = set(self.window.kernel) == {1} and x.layout.width <= 128
            return x if pointwise else emitter.dense(x)
        keeps_places = self._is_depthwise and not isinstance(self.result, InFloat)
        return emitter.dense(x) if keeps_places else emitter.plain(x)

    @property
    def _is_depthwise(self) -> bool:
        return bool(self.group == self.weight.shape[0] and self.weight.shape[1] == 1)

    def _packed(self, x: Layout, wish: Layout | None) -> tuple[Int8Array, int, Layout]:
        """Weight and group as the op takes them, and the layout of what it makes of an image or volume x."""
        k = self.weight.shape[0]
        usual = plain(self.weight.ndim, 1, k)
        last = self.weight.ndim - 1
        if self.group == 1:
            layout = wish.seen_as(usual.rank, 1) if wish is not None and wish.channels == k else usual
            weight = scattered(channels_last(self.weight), last, x.positions, x.width)
            return scattered(weight, 0, layout.positions, layout.width), 1, layout
        if self._is_depthwise:  # each channel stays where it is
            weight = scattered(channels_last(self.weight), 0, x.positions, x.width)
            return weight, x.width, x
        packed = pack_conv(self.weight, self.group)
        return packed.weight, packed.group, usual


def make_conv(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    x_shape: Shape,
    filters: Filters,
    bias: NDArray[Any] | None,
    result: Requantized | InFloat | Added,
) -> Candidate:
    """The candidate for a convolution in one to three dimensions.

    x_shape: `[N, C, spatial...]`. bias: int32 `[K]`, in units of x_scale * w_scale. Of three dimensions the
    result is neither InFloat nor Added. Weights that their zero point brings beyond int8 become several.
    """
    (weight, weight_scales, weight_zero_points), window, group = filters
    if weight.ndim == 3:  # a row of an image
        weight = weight[:, :, None, :]
    k = weight.shape[0]
    channels = weight.shape[1] * group
    if group < 1 or k % group:
        raise Refusal(f"its {k} output channels are not divisible by {group} groups")
    if not weight.size:
        raise Refusal("its weights are empty")
    split = split_beyond_int8(weight, weight_zero_points.reshape(-1, *[1] * (weight.ndim - 1)), group)
    folded_bias, multiplier = bias_and_multiplier(bias, split.weight, x.quantization, weight_scales, result)
    conv_ = Conv(
        split.weight,
        folded_bias,
        multiplier,
        window,
        group,
        x.quantization.island_zero_point,
        result,
    )
    n, _, *spatial = x_shape
    y_shape = (n, k, *window.output(*spatial))
    inputs = [port(x.value, (n, channels, *spatial), 1, x.quantization.dtype)]
    if isinstance(result, Added):
        value, quantization = result.residual
        inputs.append(port(value, y_shape, 1, quantization.dtype))
    op = with_channels(conv_, split.channels, channels)
    return Candidate(covers, op, tuple(inputs), (result.port(y_shape, 1),))
