"""What the passes of one conversion share."""

from dataclasses import dataclass, field
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.originals import Originals
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.graph.names import Names
from qudnn.converter.island.candidate import Candidate


class WithoutPairs(NamedTuple):
    """The quantization of the tensors of a float operator that works on 8 bits now, and their names before.

    x_name: None where that tensor is still there.
    """

    quantization: Quantization
    x_name: str | None
    y_names: dict[ir.Value, str]


@dataclass
class Context:
    """facts: of the values that the model had at first.
    candidates: what frontends found and islands kept, in the order of the graph.

    without_pairs: nodes that stood between a DequantizeLinear and a QuantizeLinear, and how.
    refusals: why a node that looked convertible is left, by node.
    notes: what is not bit for bit what onnxruntime's CPU provider computes, by node of the converted model.
    originals: the nodes of the user's model.
    remarks: sentences about the conversion as a whole, for the report, in their order.
    names: those that are taken.
    """

    facts: Facts | None = None
    candidates: list[Candidate] = field(default_factory=list)
    without_pairs: dict[ir.Node, WithoutPairs] = field(default_factory=dict)
    refusals: dict[ir.Node, str] = field(default_factory=dict)
    notes: dict[ir.Node, str] = field(default_factory=dict)
    originals: Originals | None = None
    remarks: dict[str, None] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
