"""QMaskedSoftmax: the softmax over the channels, of attention's scores and a mask in float32."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import broadcast
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Quantized, Tensor, port, port_outside
from qudnn.converter.lowering.softmax.softmax import check_axis


@dataclass(frozen=True)
class MaskedSoftmax:
    """tensors: x, and the mask if there is one."""

    attributes: Mapping[str, Attribute]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        attributes = {"channels": x.layout.channels, "pads": x.layout.pads_in, **self.attributes}
        constants = {} if len(tensors) > 1 else {"mask": np.zeros(1, np.float32)}
        return [emitter.op("QMaskedSoftmax", [x, *tensors[1:]], x.layout, attributes, constants)]


class Scores(NamedTuple):
    """`x * factor / divisor + mask`; mask: float32, broadcast to x."""

    x: Quantized
    factor: float = 1.0
    divisor: float = 1.0
    mask: ir.Value | None = None


def make_masked_softmax(
    covers: tuple[ir.Node, ...],
    scores: Scores,
    y: Quantized,
    axis: int,
    facts: Facts,
) -> Candidate:
    """The candidate for the softmax of the scores over the last axis."""
    x, factor, divisor, mask = scores
    shape = facts.ranked(x.value)
    rank = len(shape)
    check_axis(axis, rank, facts.channel_axis_of(x.value))
    x_port = port(x.value, shape, rank - 1, x.quantization.dtype)
    inputs = [x_port]
    if mask is not None:
        mask_shape = facts.ranked(mask)
        if facts.dtype(mask) != ir.DataType.FLOAT:
            raise Refusal("its mask is not known to be float32")
        if broadcast(shape, mask_shape) != shape:
            raise Refusal("its mask broadcasts it to a larger shape")
        inputs.append(port_outside(mask, mask_shape, ir.DataType.FLOAT))
    attributes: dict[str, Attribute] = {
        "x_scale": float(x.quantization.scale),
        "x_zero_point": x.quantization.island_zero_point,
        "factor": factor,
        "divisor": divisor,
        "y_scale": float(y.quantization.scale),
        "y_zero_point": y.quantization.island_zero_point,
    }
    y_port = port(y.value, shape, rank - 1, y.quantization.dtype)
    return Candidate(covers, MaskedSoftmax(attributes), tuple(inputs), (y_port,))
