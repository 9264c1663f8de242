"""Pad with amounts that are known only at run time: Concat with what Expand makes of the fill."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.bounds import is_never_negative
from qudnn.converter.graph.sizes import Shape, Size, plus
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor, port


@dataclass(frozen=True)
class FilledAtRunTime:
    """shape: of the tensor outside. amounts: before and after it, by axis outside. fill: as it is inside."""

    shape: Shape
    amounts: dict[int, tuple[Size, Size]]
    fill: int

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> list[Tensor]:
        x = emitter.dense(tensors[0])
        layout = x.layout
        sizes = [self.shape[axis] for axis in layout.perm_in]
        if not layout.is_unpadded:
            sizes[-1] = layout.width
        fill = emitter.constant("fill", np.full([1] * layout.rank, self.fill, np.int8))
        for axis, amounts in self.amounts.items():
            place = layout.inside(axis)
            before, after = (
                [] if amount == 0 else [self._filled(emitter, Tensor(fill, layout), sizes, place, amount)]
                for amount in amounts
            )
            x = emitter.op("Concat", [*before, x, *after], layout, {"axis": place}, domain="")
            sizes[place] = plus(sizes[place], plus(*amounts))
        return [x]

    def _filled(
        self, emitter: Emitter, fill: Tensor, sizes: Sequence[Size], place: int, amount: Size
    ) -> Tensor:
        """As large as the tensor, but for so many elements along one axis."""
        shape = (*sizes[:place], amount, *sizes[place + 1 :])
        return emitter.op("Expand", [fill], fill.layout, {}, {"shape": shape}, domain="")


def make_run_time_pad(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    channel_axis: int,
    pads: Shape,
    fill: int,
    facts: Facts,
) -> Candidate:
    """The candidate for a Pad in mode constant. pads: as ONNX has them. fill: of 8 bits, as outside."""
    shape = facts.ranked(x)
    rank = len(shape)
    if not all(map(is_never_negative, pads)):
        raise Refusal("how much it pads is known only at run time, and whether it takes elements away")
    amounts = {axis: (pads[axis], pads[axis + rank]) for axis in range(rank)}
    amounts = {axis: amount for axis, amount in amounts.items() if amount != (0, 0)}
    x_port = port(x, shape, channel_axis, dtype)
    if x_port.channel_axis in amounts:
        raise Refusal("it pads channels")
    facts.check_computable(*shape, *pads)
    y_shape = tuple(plus(size, plus(pads[axis], pads[axis + rank])) for axis, size in enumerate(shape))
    y_port = port(y, y_shape, x_port.channel_axis, dtype)
    op = FilledAtRunTime(shape, amounts, fill - 128 if dtype == ir.DataType.UINT8 else fill)
    return Candidate(covers, op, (x_port,), (y_port,))
