"""Expand: single elements repeated along axes other than that of the channels."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor, port


@dataclass(frozen=True)
class Expand:
    """sizes: outside, 1 where the input has them. channel_axis: of the result."""

    sizes: Shape
    channel_axis: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        layout = x.layout.seen_as(len(self.sizes), self.channel_axis)
        shape = tuple(self.sizes[axis] for axis in layout.perm_in)
        return [emitter.op("Expand", [x], layout, {}, {"shape": shape}, domain="")]


def make_expand(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    x_shape: Shape,
    y_shape: Shape,
    facts: Facts,
) -> Candidate:
    """The candidate for x, of x_shape, repeated until it has y_shape, which may have more axes in front.

    A constant has its channels last, where that axis stays as it is.
    """
    last_stays = constant_or_none(x) is not None and len(x_shape) > 0 and x_shape[-1] == y_shape[-1]
    axis = len(x_shape) - 1 if last_stays else facts.channel_axis_of(x)
    x_port = port(x, x_shape, axis, dtype)
    more = len(y_shape) - len(x_shape)
    axis = x_port.channel_axis + more
    if y_shape[axis] != x_shape[x_port.channel_axis]:
        raise Refusal("it repeats channels")
    before = (*[1] * more, *x_shape)
    sizes = tuple(1 if new == old else new for new, old in zip(y_shape, before, strict=True))
    facts.check_computable(*sizes)
    return Candidate(covers, Expand(sizes, axis), (x_port,), (port(y, y_shape, axis, dtype),))
