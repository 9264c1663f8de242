"""What the passes of one conversion share."""

from dataclasses import dataclass, field
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.originals import Originals
from qudnn.converter.errors import Decline
from qudnn.converter.failures import node_name
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.names import Names
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.selection import Selection

_MOST_DECLINES = 100_000  # so that memory stays bounded


class WithoutPairs(NamedTuple):
    """The quantization of the tensors of a float operator that works on 8 bits now, and their names before.

    x_name: None where that tensor is still there.
    """

    quantization: Quantization
    x_name: str | None
    y_names: dict[ir.Value, str]


@dataclass(kw_only=True)
class Preparation:
    """What all passes share, those of the phases before partition included.

    names: those that are taken.
    originals: the nodes of the user's model.
    without_pairs: nodes that stood between a DequantizeLinear and a QuantizeLinear, and how.
    refusals: why a node that looked convertible is left, by node.
    notes: what is not bit for bit what onnxruntime's CPU provider computes, by node of the converted model.
    remarks: sentences about the conversion as a whole, for the report, in their order.
    declines: what passes left as it was and why; None where nobody wants to know.
    selection: which nodes the user wants converted.
    """

    names: Names = field(default_factory=Names)
    originals: Originals | None = None
    without_pairs: dict[ir.Node, WithoutPairs] = field(default_factory=dict)
    refusals: dict[ir.Node, str] = field(default_factory=dict)
    notes: dict[ir.Node, str] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)
    declines: list[Decline] | None = None
    selection: Selection = field(default_factory=Selection)

    def decline(self, step: str, node: ir.Node, reason: str) -> None:
        """Note why a pass leaves a node as it is, if anybody wants to know."""
        if self.declines is not None and len(self.declines) < _MOST_DECLINES:
            self.declines.append(Decline(step, node_name(node), node.op_type, reason))


@dataclass(kw_only=True)
class Context(Preparation):
    """What the passes from partition on share besides.

    facts: of the values that the model has when that phase begins.
    candidates: what frontends found and islands kept, in the order of the graph.
    hidden: the domains of nodes that HideExcluded has hidden.
    """

    facts: Facts
    candidates: list[Candidate] = field(default_factory=list)
    hidden: dict[ir.Node, str] = field(default_factory=dict)

    @classmethod
    def of(cls, model: ir.Model, preparation: Preparation | None = None) -> "Context":
        """What is known of a model, after its preparation if it had one."""
        shared = {} if preparation is None else vars(preparation)
        context = cls(facts=Facts(model), **shared)
        if preparation is None:
            context.names.reserve(model.graph)
        return context
