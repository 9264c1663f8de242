"""What passes share that fuse a LayerNormalization with the quantization after it."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.lowering.norm.add_normalization import OTHERWISE
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.normalization import hand_over, normalizes


class Fused(NamedTuple):
    """The op that takes the place of both nodes, and of the addition before them if there is one.

    results: what its results in float32 stand for, of which the last is the normalized tensor and the one
    before it the sum; None where the model has no such value. note: how the results may differ from those of
    onnxruntime's CPU provider; empty where they do not.
    """

    op_type: str
    inputs: Sequence[ir.Value | None]
    attributes: Mapping[str, Attribute]
    results: Sequence[ir.Value | None]
    note: str = ""


class NormalizeBefore(NodePass):
    """The float32 results, the sum and the normalized tensor, stay outputs of the op if they have consumers.

    ENTRY: the op that quantizes. It has to take the result as it lies.
    """

    ENTRY: ClassVar[str]
    SORTS = True  # others may read results of the op before the entry that it becomes
    REPORTED = True

    @abstractmethod
    def fused(self, norm: ir.Node, entry: ir.Node, facts: Facts, graph: ir.Graph) -> Fused:
        """Raises Refusal where there is no such op."""

    def normalizes(self, node: ir.Node) -> bool:
        """Whether it is a normalization that the pass takes."""
        return normalizes(node)

    def matches(self, node: ir.Node) -> bool:
        return self._entry_after(node) is not None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        entry = self._entry_after(node)
        assert entry is not None
        self._replace(node, entry, self.fused(node, entry, self.context.facts, graph))

    def _entry_after(self, norm: ir.Node) -> ir.Node | None:
        """The first one that quantizes the result of a normalization as it lies."""
        if not self.normalizes(norm):
            return None
        for entry in [use.node for use in norm.outputs[0].uses()]:
            if is_qudnn(entry, self.ENTRY) and keeps_axes(entry) and not any(ints(entry, "pads")[:-1]):
                return entry
        return None

    def _replace(self, norm: ir.Node, entry: ir.Node, fused: Fused) -> None:
        node = ir.node(
            fused.op_type,
            fused.inputs,
            dict(fused.attributes),
            domain=DOMAIN,
            name=norm.name,
            num_outputs=len(fused.results) + len(entry.outputs),
        )
        hand_over(norm, fused.results, node, entry)
        if fused.note:
            self.context.notes[node] = fused.note


def sum_note(total: ir.Value, norm: ir.Node, entry: ir.Node) -> str:
    """How results may differ where onnxruntime adds and normalizes at once; empty if they do not."""
    return OTHERWISE if sole_consumer(total) is norm and len(ints(entry, "perm")) == 3 else ""


def keeps_axes(crossing: ir.Node) -> bool:
    perm = ints(crossing, "perm")
    return perm == list(range(len(perm)))
