"""What a frontend makes of nodes: the op of an island that can replace them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import onnx_ir as ir

from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Port, Tensor


class Op(Protocol):
    """What computes inside the island. Layouts are known when it is emitted, not before."""

    def emit(self, emitter: Emitter, tensors: Sequence[Tensor], wish: Layout | None) -> Sequence[Tensor]:
        """Write nodes that make the outputs of the inputs.

        tensors: the inputs, with the channel axes that their ports have, in any layout; unpadded where their
        number of channels is unknown, and outside of the island. wish: what the sole consumer of the first
        output prefers; an op that can write that layout for free does.
        """


@dataclass(frozen=True)
class Candidate:
    """An op that can replace nodes of the model.

    covers: the nodes it replaces, all but the last may have other consumers. The first gives the name.
    note: why its bits may differ from those of onnxruntime's CPU provider; empty where they do not.
    only_inside: whether onnxruntime's CUDA provider computes something else than its CPU provider.
    passes_wish: whether the channels of its result lie as those of its input do.
    """

    covers: tuple[ir.Node, ...]
    op: Op
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    note: str = ""
    only_inside: bool = False
    passes_wish: bool = False
