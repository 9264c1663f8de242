"""Weights beyond int8: an op reads some channels several times, each time with a part of their weights."""

from collections.abc import Sequence
from dataclasses import dataclass

from qudnn.converter.island.candidate import Op
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor


@dataclass(frozen=True)
class Repeated:
    """channels: which channel of the first input each one is that op reads; op has weights for them all."""

    op: Op
    channels: list[int]

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> Sequence[Tensor]:
        x = emitter.repeated(emitter.plain(tensors[0]), self.channels)
        return self.op.emit(emitter, [x, *tensors[1:]], wish)


def with_channels(op: Op, channels: list[int], number: int) -> Op:
    """The op as it is where it reads each of the `number` channels once."""
    return op if channels == list(range(number)) else Repeated(op, channels)
