"""Sizes, and what is computed of them => the same numbers, of the sizes of the model's inputs"""

from collections.abc import Container, Sequence
from typing import Any

import onnx_ir as ir

from qudnn.converter.analysis.shape_values import Numbers
from qudnn.converter.graph.constants import constant_tensor, required_input
from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.size_nodes import SizeNodes
from qudnn.converter.passes.base import PartitionPass


class ShapesFromInputs(PartitionPass):
    """Otherwise a tensor would leave the island only because its shape is used.

    And exporters compute each target anew, by many nodes: what reads numbers that follow from the sizes of
    inputs reads them from nodes that compute each of them once. A Cast leads to floats, and whether these
    are constant decides what onnxruntime fuses: what it reads stays, but for the Shape that it comes from.
    """

    def run(self, model: ir.Model) -> None:
        if not any(has_trait(node, Trait.READS_SHAPE) for node in model.graph):
            return
        self._sizes = SizeNodes(model.graph, self.context.names, self.context.facts.size_places)
        outputs = [output for node in model.graph for output in node.outputs]
        known = {output: numbers for output in outputs if (numbers := self._known(output)) is not None}
        for value, numbers in known.items():
            uses = [use for use in value.uses() if use.node.graph is model.graph]
            self._replace(value, numbers, [use for use in uses if not _computes_sizes(use.node, known)])
        for value, numbers in known.items():
            node = value.producer()
            if is_onnx(node, "Shape") and node.graph is model.graph:
                self._replace(value, numbers, list(value.uses()))
        # What was computed for nothing but its shape is gone.
        self.context.candidates = [
            candidate
            for candidate in self.context.candidates
            if all(node.graph is model.graph for node in candidate.covers)
        ]

    def _replace(self, value: ir.Value, numbers: Numbers, uses: Sequence[Any]) -> None:
        node = value.producer()
        if node is None or not uses or (is_onnx(node, "Shape") and required_input(node, 0).is_graph_input()):
            return
        made = self._sizes
        new = made.vector(numbers.elements) if numbers.rank else made.scalar(numbers.elements[0])
        self.context.facts.note_shape(new, ir.DataType.INT64, numbers.array.shape)
        for use in uses:
            use.node.replace_input_with(use.idx, new)
        remove_orphans([node])

    def _known(self, value: ir.Value) -> Numbers | None:
        """What it holds, if that is an int64 vector or scalar that can be computed, and no constant."""
        found = None if constant_tensor(value) is not None else self.context.facts.sizes_in(value)
        if found is None or found.rank > 1 or found.dtype != ir.DataType.INT64:
            return None
        if all(map(self.context.facts.can_compute, found.elements)):
            return found
        node = value.producer()
        if is_onnx(node, "Shape"):
            self.decline(node, "some of its sizes do not follow from those of the model's inputs")
        return None


def _computes_sizes(node: ir.Node, known: Container[ir.Value]) -> bool:
    return is_onnx(node, "Cast") or any(output in known for output in node.outputs)
