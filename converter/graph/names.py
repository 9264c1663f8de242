"""Names that no value or node of a model has yet."""

from dataclasses import dataclass, field

import onnx_ir as ir


@dataclass
class Names:
    """The names of a model, its subgraphs included: new ones are told apart from them."""

    _values: set[str] = field(default_factory=set)
    _nodes: set[str] = field(default_factory=set)
    _value_counts: dict[str, int] = field(default_factory=dict)
    _node_counts: dict[str, int] = field(default_factory=dict)

    def reserve(self, graph: ir.Graph) -> None:
        """Keep new values and nodes from taking a name that the graph or a graph inside of it has."""
        self._values.update(value.name for value in graph.inputs if value.name)
        self._values.update(graph.initializers)
        for node in graph:
            self._nodes.add(node.name or "")
            self._values.update(value.name for value in node.outputs if value.name)
            for attribute in node.attributes.values():
                if attribute.type == ir.AttributeType.GRAPH:
                    self.reserve(attribute.as_graph())
                elif attribute.type == ir.AttributeType.GRAPHS:
                    for subgraph in attribute.as_graphs():
                        self.reserve(subgraph)

    def value(self, name: str) -> str:
        """name, or if a value has it, name followed by a number."""
        return _unique(name, self._values, self._value_counts)

    def node(self, name: str) -> str:
        """name, or if a node has it, name followed by a number."""
        return _unique(name, self._nodes, self._node_counts)


def _unique(name: str, taken: set[str], counts: dict[str, int]) -> str:
    """counts: the last number that was tried after a name, for there may be very many."""
    unique, count = name, counts.get(name, 1)
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    counts[name] = count
    taken.add(unique)
    return unique
