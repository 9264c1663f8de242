"""QLayerNormalization: over the channels, also left in float32, and with the mean of its rows.

And what QGroupNormalization shares with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout, unpadded
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.island.port import Quantized, Tensor, port, port_outside


@dataclass(frozen=True)
class Normalization:
    """op_type: the op, whose attributes are these, channels and pads."""

    op_type: str
    attributes: Mapping[str, Attribute]
    gamma: Float32Array
    beta: Float32Array

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        attributes = {"channels": x.layout.channels, "pads": x.layout.pads_in, **self.attributes}
        constants = {"gamma": self.gamma, "beta": self.beta}
        return [emitter.op(self.op_type, [x], x.layout, attributes, constants)]


@dataclass(frozen=True)
class NormalizationToFloat:
    """QLayerNormalizationToFloat, whose attributes are these and channels."""

    attributes: Mapping[str, Attribute]
    gamma: Float32Array
    beta: Float32Array

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        attributes = {"channels": x.layout.channels, **self.attributes}
        constants = {"gamma": self.gamma, "beta": self.beta}
        outside = unpadded(x.layout.rank)
        op_type = "QLayerNormalizationToFloat"
        return [emitter.op(op_type, [x], outside, attributes, constants, dtype=ir.DataType.FLOAT)]


class Normalized(NamedTuple):
    """The nodes of a normalization, its input and its result, and the axis of their channels.

    mean: whether the result is the mean over all axes but the first and that one, which stay as 1.
    """

    covers: tuple[ir.Node, ...]
    x: Quantized
    y: Quantized
    axis: int
    mean: bool = False

    def candidate(
        self,
        op_type: str,
        gamma: NDArray[Any],
        beta: NDArray[Any] | None,
        attributes: Mapping[str, Attribute],
        facts: Facts,
    ) -> Candidate:
        """gamma, beta (0 by default): float32 `[C]`. attributes: besides scales and zero points."""
        x, y = self.x, self.y
        shape = facts.ranked(x.value)
        x_port = port(x.value, shape, self.axis, x.quantization.dtype)
        beta = _checked(gamma, beta, x_port.channels)
        every: dict[str, Attribute] = {
            "x_scale": float(x.quantization.scale),
            "x_zero_point": x.quantization.island_zero_point,
            "y_scale": float(y.quantization.scale),
            "y_zero_point": y.quantization.island_zero_point,
            **attributes,
        }
        if self.mean:
            shape = (shape[0], *[1] * (len(shape) - 2), shape[-1])
        y_port = port(y.value, shape, self.axis, y.quantization.dtype)
        return Candidate(self.covers, Normalization(op_type, every, gamma, beta), (x_port,), (y_port,))


def _checked(gamma: NDArray[Any], beta: NDArray[Any] | None, channels: int) -> NDArray[Any]:
    """beta, zeros if there is none. Raises Refusal where one of the two is not float32 `[channels]`."""
    if beta is None:
        beta = np.zeros(channels, np.float32)
    for name, array in ("scale", gamma), ("bias", beta):
        if array.dtype != np.float32 or array.shape != (channels,):
            raise Refusal(f"its {name} is {array.dtype} {list(array.shape)}, not float32 [{channels}]")
    return beta


def make_layer_normalization_to_float(
    node: ir.Node,
    x: Quantized,
    gamma: NDArray[Any],
    beta: NDArray[Any] | None,
    epsilon: float,
    facts: Facts,
) -> Candidate:
    """As make_layer_normalization, of the node whose result stays in float32."""
    shape = facts.ranked(x.value, least=2)
    x_port = port(x.value, shape, len(shape) - 1, x.quantization.dtype)
    beta = _checked(gamma, beta, x_port.channels)
    attributes: dict[str, Attribute] = {
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "epsilon": epsilon,
    }
    y_port = port_outside(node.outputs[0], shape, ir.DataType.FLOAT)
    return Candidate((node,), NormalizationToFloat(attributes, gamma, beta), (x_port,), (y_port,))


def make_layer_normalization(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    gamma: NDArray[Any],
    beta: NDArray[Any] | None,
    epsilon: float,
    facts: Facts,
    *,
    mean: bool = False,
) -> Candidate:
    """The candidate for a normalization over the last axis; gamma and beta (0 by default): float32 `[C]`.

    mean: of all rows, too: y is `[N, 1..., C]` for x of `[N, ..., C]`.
    """
    shape = facts.ranked(x.value, least=3 if mean else 2)
    normalized = Normalized(covers, x, y, len(shape) - 1, mean=mean)
    op_type = "QLayerNormalizationGlobalAveragePool" if mean else "QLayerNormalization"
    return normalized.candidate(op_type, gamma, beta, {"epsilon": epsilon}, facts)
