"""QSoftmax: the softmax over the last axis inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.types_between import differing
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute, Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Quantized, Tensor, port


@dataclass(frozen=True)
class Softmax:
    attributes: Mapping[str, Attribute]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.plain(tensors[0])
        return [emitter.op("QSoftmax", [x], x.layout, self.attributes)]


def make_softmax(
    covers: tuple[ir.Node, ...],
    x: Quantized,
    y: Quantized,
    axis: int,
    arithmetic: Arithmetic,
    facts: Facts,
) -> Candidate:
    """The candidate for a softmax over any axis, which is that of the channels inside."""
    dtype = _one_dtype(x, y)
    shape = facts.ranked(x.value)
    if len(shape) < 2:
        raise Refusal(f"its input has too few dimensions, {len(shape)}")
    channels = port(x.value, shape, axis, dtype)
    attributes = {
        "channels": channels.layout.channels,
        "x_scale": float(x.quantization.scale),
        "x_zero_point": arithmetic.zero_point(x.quantization),
        "y_scale": float(y.quantization.scale),
        "y_zero_point": arithmetic.zero_point(y.quantization),
        "dtype": int(arithmetic.integers),
    }
    y_port = port(y.value, shape, channels.channel_axis, dtype)
    return Candidate(covers, Softmax(attributes), (channels,), (y_port,))


def check_axis(axis: int, rank: int, channel_axis: int) -> None:
    """Raises Refusal where a softmax along the axis is not over the channels, or these are not last."""
    if rank < 2:
        raise Refusal(f"its input has too few dimensions, {rank}")
    if (axis % rank, channel_axis) != (rank - 1, rank - 1):
        raise Refusal(
            f"its axis is {axis % rank} and that of the channels {channel_axis}: it converts where both are "
            f"the last one, {rank - 1}"
        )


def _one_dtype(x: Quantized, y: Quantized) -> ir.DataType:
    """The type of both, which has to be one."""
    if x.quantization.dtype != y.quantization.dtype:
        raise Refusal(differing(x.quantization.dtype, y.quantization.dtype))
    return x.quantization.dtype
