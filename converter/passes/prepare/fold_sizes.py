"""What is computed of sizes that are known, among others that are not => the constants that it is

And Shape of what only floats are computed of => the same numbers, from the model's inputs.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import computed
from qudnn.converter.graph.constants import constant_or_none, constant_tensor, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans
from qudnn.converter.graph.op_traits import ONNX, Trait, has_trait, is_onnx
from qudnn.converter.graph.order import subgraphs
from qudnn.converter.island.size_nodes import SizeNodes
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import quantizes

_MOST_ELEMENTS = 2**22  # of a tensor that may be computed here
_MOST_BYTES = 2**20  # that may be added to any model, and to a larger one as many as its constants have

Array = NDArray[Any]


class FoldSizes(EarlyPass):
    """With a batch of unknown size, exporters compute of a Shape what depends on the other sizes alone.

    So pads that are 0, the places where windows end, and the masks of shifted windows. onnxruntime computes
    them in each run: it folds a Shape only if it knows all of it (ConstantFoldShapeNode, constant_folding.cc,
    1.31). Integers become constants, and tensors that end quantized to uint8, too. Other floats stay: whether
    they are constant decides what onnxruntime fuses. So do those quantized to int8, of which it would
    make uint8 where they are computed, and not where they are constant.
    """

    def run(self, model: ir.Model) -> None:
        if not any(has_trait(node, Trait.READS_SHAPE) for node in model.graph):
            return
        self._graph, self._facts = model.graph, Facts(model)
        self._sizes: dict[ir.Value, Array] = {}
        self._cone: dict[ir.Node, None] = {}  # nodes that compute on these, on constants and on one another
        for node in model.graph:
            self._facts.pass_on(node)
            self._look(node)
        integers = {value: array for value, array in self._sizes.items() if self._uses(value)}
        wanted = [node.outputs[0] for node in self._cone if quantizes(node)]
        arrays = {**integers, **self._computed(wanted, model.opset_imports)}
        self._replace(arrays, model.graph)
        self._read_from_inputs(model.graph)

    def _read_from_inputs(self, graph: ir.Graph) -> None:
        """Shape counts as a consumer, and keeps what it reads from being quantized where it is made.

        Of an operator that onnxruntime has an integer form of it has to: there onnxruntime counts it, too.
        """
        sizes = SizeNodes(graph, self.context.names, self._facts.size_places)
        for node in list(graph):
            if not is_onnx(node, "Shape") or not _is_of_floats(node):
                continue
            numbers = self._facts.numbers(node.outputs[0])
            if numbers and all(map(self._facts.can_compute, numbers)):
                for use in list(node.outputs[0].uses()):
                    use.node.replace_input_with(use.idx, sizes.vector(numbers))
                remove_orphans([node])

    def _look(self, node: ir.Node) -> None:
        for output in node.outputs:
            array = None if constant_tensor(output) is not None else self._facts.integers(output)
            if array is not None:
                self._sizes[output] = array
        if self._is_computable(node):
            self._cone[node] = None

    def _is_computable(self, node: ir.Node) -> bool:
        if node.domain != ONNX or len(node.outputs) != 1 or node.outputs[0] in self._sizes or not node.inputs:
            return False
        if has_trait(node, Trait.RANDOM) or any(True for _ in subgraphs(node)):
            return False
        if has_trait(node, Trait.CONVERTS) and not _quantizes_to_uint8(node):
            return False
        shape = self._facts.shape(node.outputs[0])
        sizes = [size for size in shape or () if isinstance(size, int)]
        if shape is None or len(sizes) < len(shape) or not 0 < prod(sizes) <= _MOST_ELEMENTS:
            return False
        inputs = [value for value in node.inputs if value is not None]
        return all(map(self._is_known, inputs)) and any(constant_tensor(value) is None for value in inputs)

    def _is_known(self, value: ir.Value) -> bool:
        return value in self._sizes or value.producer() in self._cone or constant_tensor(value) is not None

    def _uses(self, value: ir.Value) -> list[Any]:
        """Those by nodes that stay, and of which nothing else is known."""
        return [use for use in value.uses() if self._reads_sizes(use.node)]

    def _reads_sizes(self, node: ir.Node) -> bool:
        """A Cast leads to floats. Nodes in bodies of others are theirs."""
        known = node in self._cone or any(output in self._sizes for output in node.outputs)
        return not known and not is_onnx(node, "Cast") and node.graph is self._graph

    def _computed(self, wanted: list[ir.Value], opsets: Mapping[str, int]) -> dict[ir.Value, Array]:
        needed: dict[ir.Node, None] = {}
        waiting = [producer for value in wanted if (producer := value.producer()) is not None]
        while waiting:
            node = waiting.pop()
            if node in self._cone and node not in needed:
                needed[node] = None
                waiting += [p for value in node.inputs if value is not None and (p := value.producer())]
        nodes = [node for node in self._cone if node in needed]
        try:
            return dict(zip(wanted, computed(nodes, wanted, opsets, self._sizes), strict=True))
        except Refusal as refusal:
            for node in nodes[-1:]:
                self.decline(node, refusal)
            return {}

    def _replace(self, arrays: Mapping[ir.Value, Array], graph: ir.Graph) -> None:
        constants = [value.const_value for value in graph.initializers.values()]
        left = max(sum(tensor.nbytes for tensor in constants if tensor is not None), _MOST_BYTES)
        for value, array in arrays.items():
            producer, uses = value.producer(), self._uses(value)
            if producer is None or not uses:
                continue
            if array.nbytes > left:
                self.decline(producer, "its result would make the model much larger")
                continue
            left -= array.nbytes
            constant = add_initializer(graph, self.context.names.value(f"{value.name}/constant"), array)
            for use in uses:
                use.node.replace_input_with(use.idx, constant)
            remove_orphans([producer])


def _is_of_floats(shape: ir.Node) -> bool:
    """Whether it reads what no operator makes that may become an integer operator, or that pairs pass."""
    source = required_input(shape, 0).producer()
    decided = Trait.CONVERTS | Trait.INTEGER_FORM | Trait.CLIPS | Trait.PASSED
    return source is not None and not has_trait(source, decided)


def _quantizes_to_uint8(node: ir.Node) -> bool:
    zero_point = node_input(node, 2)
    array = None if zero_point is None else constant_or_none(zero_point)
    return quantizes(node) and array is not None and array.dtype == "uint8" and array.size == 1
