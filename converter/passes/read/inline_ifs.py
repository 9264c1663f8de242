"""If with a constant condition => the nodes of its branch"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.inference import infer, shape_of
from qudnn.converter.analysis.shape_values import ShapeValues
from qudnn.converter.context import Journal
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.edit import detach, remove_orphans
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.order import subgraphs
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.passes.base import ReadPass

Array = NDArray[Any]

_MOST_ELEMENTS = 1000  # of a constant that a condition may depend on
_MOST_ROUNDS = 10  # onnxruntime 1.30, session_options.h, max_num_graph_transformation_steps
_LONGEST_CHAIN = 16  # nodes between a condition and its constants
_FOLDS: dict[str, Callable[..., Array]] = {
    "And": np.logical_and,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Identity": np.asarray,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
}


class InlineIfs(ReadPass):
    """onnxruntime does so before it looks for patterns, which may lie across the border of a branch.

    (ConstantFoldIfNode in constant_folding.cc and Graph::InlineIfSubgraph, 1.31: where the condition is
    constant, or becomes so as it folds constants.) The other branch is gone, names stay where they can.

    An If whose outputs are no results of its branch's own, each another, stays: onnxruntime opens none such.
    Those inside of other nodes' bodies are theirs, see qudnn.converter.bodies.
    """

    def run(self, model: ir.Model) -> None:
        for _ in range(_MOST_ROUNDS):
            if not self._inline_all(model):
                break

    def _inline_all(self, model: ir.Model) -> bool:
        """Whether there were any. Of what they had inside, no shapes are known yet."""
        waiting = [node for node in reversed(model.graph) if _is_if(node)]
        if not waiting:
            return False
        names = _Names(self.context, model.graph)
        constants = _Constants(model)
        is_changed = False
        while waiting:
            node = waiting.pop()
            try:
                branches = _branches(node, constants)
            except Refusal as refusal:
                self.decline(node, refusal)
                continue
            if branches is not None:
                names.forget(branches[1])
                waiting += [inner for inner in branches[0] if _is_if(inner)]
                _inline(node, *branches, names)
                is_changed = True
        return is_changed


class _Constants:
    """What values are or become when constants are folded, shapes without unknown sizes among them."""

    def __init__(self, model: ir.Model) -> None:
        self._model = model
        self._shapes: dict[str, Shape] | None = None
        self._numbers = ShapeValues(self._shape)
        self._known: dict[ir.Value, Array | None] = {}

    def array(self, value: ir.Value | None, depth: int = 0) -> Array | None:
        """None where it is not known before the model runs."""
        if value is None:
            return None
        if value not in self._known:
            node, array = value.producer(), _small_constant(value)
            if array is None and is_onnx(node, "Cast", *_FOLDS) and depth < _LONGEST_CHAIN:
                inputs = [self.array(each, depth + 1) for each in node.inputs[:2]]
                array = _computed(node, [each for each in inputs if each is not None])
            self._known[value] = self._of_sizes(value) if array is None else array
        return self._known[value]

    def _of_sizes(self, value: ir.Value) -> Array | None:
        numbers = self._numbers.of(value)
        if numbers is None or not all(isinstance(number, int) for number in numbers.elements):
            return None
        return numbers.array.astype(numbers.dtype.numpy())

    def _shape(self, value: ir.Value) -> Shape | None:
        if self._shapes is None:
            values = ir.convenience.create_value_mapping(
                infer(self._model, declared=False), include_subgraphs=False
            )
            found = {name: shape_of(each) for name, each in values.items()}
            self._shapes = {
                name: shape
                for name, shape in found.items()
                if shape is not None and all(isinstance(size, int) for size in shape)
            }
        return self._shapes.get(value.name or "")


class _Names:
    """How often the names of values and nodes are there, in graphs inside of the graph as well."""

    def __init__(self, context: Journal, graph: ir.Graph) -> None:
        self._names = context.names
        self._values: Counter[str] = Counter()
        self._nodes: Counter[str] = Counter()
        self._count(graph, 1)

    def forget(self, graph: ir.Graph) -> None:
        """The graph is going to be dropped."""
        self._count(graph, -1)

    def settle_value(self, value: ir.Value) -> None:
        """Give the value, which moves to the graph, another name if its name is there elsewhere."""
        name = value.name
        if name and self._values[name] > 1:
            self._values[name] -= 1
            value.name = self._names.value(name)

    def settle_node(self, node: ir.Node) -> None:
        if node.name and self._nodes[node.name] > 1:
            self._nodes[node.name] -= 1
            node.name = self._names.node(node.name)

    def _count(self, graph: ir.Graph, step: int) -> None:
        graphs = [graph]
        for each in graphs:
            found = {value.name for value in (*each.inputs, *each.initializers.values()) if value.name}
            self._values.update(dict.fromkeys(found, step))
            for node in each:
                graphs += subgraphs(node)
                self._nodes[node.name or ""] += step
                for output in node.outputs:
                    self._values[output.name or ""] += step


def _is_if(node: ir.Node) -> bool:
    return is_onnx(node, "If") and len(node.inputs) == 1


def _branches(node: ir.Node, constants: _Constants) -> tuple[ir.Graph, ir.Graph] | None:
    """The branch that runs, and the other; None where it is not known which.

    Raises Refusal where the branch cannot be inlined.
    """
    condition = constants.array(node.inputs[0])
    both = [node.attributes.get(name) for name in ("then_branch", "else_branch")]
    if condition is None or condition.dtype != np.bool_ or condition.size != 1:
        return None
    graphs = [each.as_graph() for each in both if each is not None and each.type == ir.AttributeType.GRAPH]
    if len(graphs) != 2:
        return None
    taken, other = graphs if condition.reshape(-1)[0] else reversed(graphs)
    own = {output for inner in taken for output in inner.outputs}
    own.update(taken.initializers.values())
    outputs = set(taken.outputs)
    if taken.inputs or not len(outputs) == len(taken.outputs) == len(node.outputs) or not outputs <= own:
        raise Refusal("the outputs of its branch are not results of the branch's own, each another")
    return taken, other


def _computed(node: ir.Node, inputs: list[Array]) -> Array | None:
    if len(inputs) != len(node.inputs):  # not all are constant, or there are too many
        return None
    try:
        if is_onnx(node, "Cast"):
            return (
                inputs[0].astype(np.bool_) if node.attributes.get_int("to", 0) == ir.DataType.BOOL else None
            )
        return _FOLDS[node.op_type](*inputs)
    except (TypeError, ValueError, IndexError):  # shapes, types or numbers of inputs that do not fit
        return None


def _small_constant(value: ir.Value) -> Array | None:
    if value.const_value is not None and value.const_value.size > _MOST_ELEMENTS:
        return None
    return constant_or_none(value)


def _inline(node: ir.Node, taken: ir.Graph, other: ir.Graph, names: _Names) -> None:
    graph = node.graph
    assert isinstance(graph, ir.Graph)
    detach(other)
    results = list(taken.outputs)
    taken.outputs.clear()
    for value in list(taken.initializers.values()):
        del taken.initializers[value.name or ""]
        names.settle_value(value)
        graph.initializers.add(value)
    nodes = list(taken)
    taken.remove(nodes)
    for inner in nodes:
        names.settle_node(inner)
        for output in inner.outputs:
            names.settle_value(output)
    graph.insert_before(node, nodes)
    for y, result in zip(node.outputs, results, strict=True):
        if result.producer() is None:  # an initializer
            identity = ir.node("Identity", [result])
            graph.insert_before(node, identity)
            result = identity.outputs[0]
        _replace(y, result)
    remove_orphans([node])


def _replace(y: ir.Value, result: ir.Value) -> None:
    """Let the branch's result stand for the If's; what was declared of the latter counts."""
    if y.name:
        result.name = y.name
    result.type, result.shape = y.type or result.type, y.shape or result.shape
    result.doc_string = y.doc_string or result.doc_string
    result.metadata_props.update(y.metadata_props)
    y.replace_all_uses_with(result, replace_graph_outputs=True)
    y.name = None
