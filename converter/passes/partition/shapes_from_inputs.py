"""Shape of a tensor => the same numbers, from an input of the model"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Unknown
from qudnn.converter.passes.base import NodePass


class ShapesFromInputs(NodePass):
    """Otherwise a tensor would leave the island only because its shape is used.

    Sizes that are known become constants, and the unknown ones are sizes of the model's inputs.
    """

    def run(self, model: ir.Model) -> None:
        self._places = _places(model.graph, self.context.facts)
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        return is_onnx(node, "Shape") and not _of_input(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        facts, places = self.context.facts, self._places
        numbers = facts.numbers(node.outputs[0])
        if not numbers or any(isinstance(size, Unknown) and size not in places for size in numbers):
            raise Refusal("some of its sizes are not those of the model's inputs")
        parts = []
        nodes = []
        for size in numbers:
            if isinstance(size, int):
                parts.append(self._constant(node, graph, size))
                continue
            source, axis = places[size]
            shape = ir.node("Shape", [source], name=self._name(node, "shape"))
            gather = ir.node(
                "Gather", [shape.outputs[0], self._constant(node, graph, axis)], name=self._name(node, "size")
            )
            nodes += [shape, gather]
            parts.append(gather.outputs[0])
        if len(parts) > 1 or not nodes:
            nodes.append(ir.node("Concat", parts, attributes={"axis": 0}, name=node.name))
        for added in nodes:
            added.outputs[0].name = self.context.names.value(f"{added.name}/sizes")
        graph.insert_before(node, nodes)
        take_place(node.outputs[0], nodes[-1].outputs[0])
        facts.note_shape(nodes[-1].outputs[0], ir.DataType.INT64, (len(numbers),))
        remove_orphans([node])

    def _constant(self, node: ir.Node, graph: ir.Graph, number: int) -> ir.Value:
        name = self.context.names.value(f"{node.name}/number")
        return add_initializer(graph, name, np.array([number], np.int64))

    def _name(self, node: ir.Node, what: str) -> str:
        return self.context.names.node(f"{node.name}/{what}")


def _of_input(node: ir.Node) -> bool:
    return required_input(node, 0).is_graph_input()


def _places(graph: ir.Graph, facts: Facts) -> dict[Unknown, tuple[ir.Value, int]]:
    """Where inputs have the sizes of unknown number."""
    places: dict[Unknown, tuple[ir.Value, int]] = {}
    for value in graph.inputs:
        for axis, size in enumerate(facts.shape(value) or ()):
            if isinstance(size, Unknown):
                places.setdefault(size, (value, axis))
    return places
