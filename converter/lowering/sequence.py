"""Several ops in sequence, in the place of one node."""

from collections.abc import Sequence as Several
from dataclasses import dataclass

import onnx_ir as ir

from qudnn.converter.island.candidate import Candidate, Op
from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import Layout
from qudnn.converter.island.port import Tensor


@dataclass(frozen=True)
class Sequence:
    """wishes: for each op but the last, the layout that the next one prefers."""

    ops: tuple[Op, ...]
    wishes: tuple[Layout | None, ...]

    def emit(self, emitter: Emitter, tensors: Several[Tensor], wish: Layout | None) -> Several[Tensor]:
        for op, its_wish in zip(self.ops, (*self.wishes, wish), strict=True):
            tensors = op.emit(emitter, tensors, its_wish)
        return tensors


def make_sequence(candidates: Several[Candidate]) -> Candidate:
    """One candidate for all, of which each reads what the one before it writes; all cover the same nodes."""
    first, last = candidates[0], candidates[-1]
    wishes = tuple(candidate.inputs[0].wish for candidate in candidates[1:])
    op = Sequence(tuple(candidate.op for candidate in candidates), wishes)
    return Candidate(first.covers, op, first.inputs, last.outputs)


def between(y: ir.Value, what: str) -> ir.Value:
    """A name for what one op of a sequence hands to the next, on the way to y."""
    return ir.Value(name=f"{y.name}/{what}")
