"""Transpose: inside, where the channels are last in any case, only the other axes change places."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor, port


@dataclass(frozen=True)
class Transpose:
    """perm: outside."""

    perm: tuple[int, ...]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        (x,) = tensors
        layout = x.layout.seen_as(x.layout.rank, self.perm.index(x.layout.channel_axis))
        perm = [x.layout.inside(self.perm[axis]) for axis in layout.perm_in]
        if perm == sorted(perm):
            return [Tensor(x.value, layout)]
        return [emitter.op("Transpose", [x], layout, {"perm": perm}, domain="")]


def make_transpose(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    perm: Sequence[int],
    facts: Facts,
) -> Candidate:
    """The candidate for a transposition of 8-bit values."""
    shape = facts.ranked(x, len(perm))
    x_port = port(x, shape, facts.channel_axis_of(x), dtype)
    y_axis = list(perm).index(x_port.channel_axis)
    y_shape = tuple(shape[axis] for axis in perm)
    y_port = port(y, y_shape, y_axis, dtype)
    return Candidate(covers, Transpose(tuple(perm)), (x_port,), (y_port,), passes_wish=True)
