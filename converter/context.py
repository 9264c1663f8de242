"""What the passes of one conversion share."""

from dataclasses import dataclass, field
from typing import NamedTuple

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import Quantization
from converter.facts import Facts
from converter.originals import Originals


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
    """

    facts: Facts | None = None
    candidates: list[Candidate] = field(default_factory=list)
    without_pairs: dict[ir.Node, WithoutPairs] = field(default_factory=dict)
    refusals: dict[ir.Node, str] = field(default_factory=dict)
    notes: dict[ir.Node, str] = field(default_factory=dict)
    originals: Originals | None = None
    remarks: dict[str, None] = field(default_factory=dict)
    _value_names: set[str] = field(default_factory=set)
    _node_names: set[str] = field(default_factory=set)
    _value_counts: dict[str, int] = field(default_factory=dict)
    _node_counts: dict[str, int] = field(default_factory=dict)

    def reserve_names(self, graph: ir.Graph) -> None:
        """Keep new values and nodes from taking a name that the graph or a graph inside of it has."""
        self._value_names.update(value.name for value in graph.inputs if value.name)
        self._value_names.update(graph.initializers)
        for node in graph:
            self._node_names.add(node.name or "")
            self._value_names.update(value.name for value in node.outputs if value.name)
            for attribute in node.attributes.values():
                if attribute.type == ir.AttributeType.GRAPH:
                    self.reserve_names(attribute.as_graph())
                elif attribute.type == ir.AttributeType.GRAPHS:
                    for subgraph in attribute.as_graphs():
                        self.reserve_names(subgraph)

    def new_value_name(self, name: str) -> str:
        """name, or if a value has it, name with a number behind."""
        return _unique(name, self._value_names, self._value_counts)

    def new_node_name(self, name: str) -> str:
        """name, or if a node has it, name with a number behind."""
        return _unique(name, self._node_names, self._node_counts)


def _unique(name: str, taken: set[str], counts: dict[str, int]) -> str:
    """counts: the last number behind a name that was tried, for there may be very many."""
    unique, count = name, counts.get(name, 1)
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    counts[name] = count
    taken.add(unique)
    return unique
