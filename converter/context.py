"""What the passes of one conversion share: a class for each stretch of phases, with what is known there.

Each has what the one before has, and the pipeline makes it once those phases have run.
"""

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
class Journal:
    """What all passes share, and all that the phase `read` knows.

    names: those that are taken.
    explains: whether the report says what passes left as it was and why.
    declines: that, as far as passes told it; a pass may run twice.
    refusals: why a node that looked convertible is left, by node.
    notes: what is not bit for bit what onnxruntime's CPU provider computes, by node of the converted model.
    remarks: sentences about the conversion as a whole, for the report, in their order.
    selection: which nodes the user wants converted.
    quantize_activations: whether to quantize, at run time, what is multiplied by weights stored in 8 bits.
    constant_defaults: whether inputs with a default are that always.
    is_body: whether the model is a body of a node, see qudnn.converter.bodies.
    constants_inside: those that are new in bodies that were converted.
    """

    names: Names
    explains: bool = False
    declines: dict[Decline, None] = field(default_factory=dict)
    refusals: dict[ir.Node, str] = field(default_factory=dict)
    notes: dict[ir.Node, str] = field(default_factory=dict)
    remarks: dict[str, None] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    quantize_activations: bool = False
    constant_defaults: bool = False
    is_body: bool = False
    constants_inside: list[ir.Value] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        model: ir.Model,
        explains: bool = False,
        selection: Selection | None = None,
        *,
        quantize_activations: bool = False,
        constant_defaults: bool = False,
    ) -> "Journal":
        """An empty one, for a model as it was read."""
        names = Names()
        names.reserve(model.graph)
        return cls(
            names=names,
            explains=explains,
            selection=selection or Selection(),
            quantize_activations=quantize_activations,
            constant_defaults=constant_defaults,
        )

    def inside(self) -> "Journal":
        """One for a body of a node of the model, empty but for what the whole model shares."""
        return Journal(
            names=self.names,
            explains=self.explains,
            selection=self.selection,
            quantize_activations=self.quantize_activations,
            is_body=True,
            constants_inside=self.constants_inside,
        )

    def decline(self, step: str, node: ir.Node, reason: str) -> None:
        """Note why a pass leaves a node as it is, if anybody wants to know."""
        if self.explains and len(self.declines) < _MOST_DECLINES:
            self.declines[Decline(step, node_name(node), node.op_type, reason)] = None


@dataclass(kw_only=True)
class Preparation(Journal):
    """What the phases `prepare` and `onnxruntime` share besides.

    originals: the nodes of the user's model, as it was read.
    without_pairs: nodes that stood between a DequantizeLinear and a QuantizeLinear, and how.
    """

    originals: Originals
    without_pairs: dict[ir.Node, WithoutPairs] = field(default_factory=dict)

    @classmethod
    def from_journal(cls, journal: Journal, model: ir.Model) -> "Preparation":
        return cls(**vars(journal), originals=Originals(model, journal.is_body))


@dataclass(kw_only=True)
class Context(Preparation):
    """What the phases from `partition` on share besides, and what the report is made of.

    facts: of the values that the model has when `partition` begins.
    kept_in_float: nodes of which onnxruntime makes no integer operator, see the pass KeepInFloat.
    hidden: the domains of nodes that HideExcluded has hidden.
    unneeded: nodes that DropUnneeded has dropped.
    """

    facts: Facts
    kept_in_float: set[ir.Node] = field(default_factory=set)
    hidden: dict[ir.Node, str] = field(default_factory=dict)
    unneeded: dict[ir.Node, None] = field(default_factory=dict)

    @classmethod
    def from_preparation(cls, preparation: Preparation, model: ir.Model) -> "Context":
        return cls(**vars(preparation), facts=Facts(model))


@dataclass(kw_only=True)
class Partition(Context):
    """What the passes of `partition` share besides.

    candidates: what frontends found and islands kept, in the order of the graph.
    """

    candidates: list[Candidate] = field(default_factory=list)

    @classmethod
    def from_context(cls, context: Context) -> "Partition":
        return cls(**vars(context))
