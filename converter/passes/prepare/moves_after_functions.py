"""function -> move -> functions -> QuantizeLinear => function -> functions -> move -> QuantizeLinear"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import is_of_a_quantized_tensor, quantizes
from qudnn.converter.qdq.moves import moves

_MOST_NODES = 32  # of functions after a move


class MovesAfterFunctions(EarlyPass):
    """So that what is computed of each element by itself is one function, which a table can stand for.

    A quantizer that leaves BatchNormalization and HardSwish in floating point leaves the Reshape between
    them there too. There may be several results that are quantized, each is moved by itself.

    No value changes: each element is the same function of the same element. Nor does onnxruntime's choice:
    neither function beside the move is one that it has an integer form of.
    """

    def run(self, model: ir.Model) -> None:
        """The last ones first: they get out of the way of those before them."""
        rewritten = False
        for node in reversed(list(model.graph)):
            if _is_movable(node):
                try:
                    self._move(node, model.graph)
                    rewritten = True
                except Refusal as refusal:
                    self.decline(node, refusal)
        if rewritten:
            model.graph.sort()

    def _move(self, move: ir.Node, graph: ir.Graph) -> None:
        """A move of each result that is quantized stands for the one of what the functions read."""
        x, moved = required_input(move, 0), move.outputs[0]
        functions = _functions_of(moved, graph)
        quantizers = {
            value: [use.node for use in value.uses() if use.node not in functions]
            for value in (moved, *(function.outputs[0] for function in functions))
        }
        consumers = [node for nodes in quantizers.values() for node in nodes]
        if not all(quantizes(node) and node.graph is graph for node in consumers):
            raise Refusal("it has consumers that are neither functions of each element nor quantize it")
        for function in functions:
            function.outputs[0].shape = None
            for index, value in enumerate(function.inputs):
                if value is moved:
                    function.replace_input_with(index, x)
        for value, nodes in quantizers.items():
            if nodes:
                again = self._again(move, x if value is moved else value, graph)
                for node in nodes:
                    node.replace_input_with(0, again)
        remove_orphans([move])

    def _again(self, move: ir.Node, x: ir.Value, graph: ir.Graph) -> ir.Value:
        """What the move makes of x."""
        node = ir.Node(
            move.domain,
            move.op_type,
            [x, *move.inputs[1:]],
            move.attributes.values(),
            name=self.context.names.node(move.name or move.op_type),
        )
        y = node.outputs[0]
        y.name = self.context.names.value(f"{x.name}/moved")
        y.type, y.shape = move.outputs[0].type, move.outputs[0].shape
        graph.append(node)
        return y


def _is_movable(node: ir.Node) -> bool:
    """Whether it moves elements of what a function makes, for functions to read.

    A function that onnxruntime has an integer form of, or an activation after one, would get next to the
    QuantizeLinear that makes it one.
    """
    if not moves(node) or has_trait(node, Trait.POOLS) or is_onnx(node, "Pad") or len(node.outputs) > 1:
        return False
    x = required_input(node, 0)
    source = x.producer()
    if not has_trait(source, Trait.ELEMENTWISE) or has_trait(source, Trait.CLIPS | Trait.INTEGER_FORM):
        return False
    if not is_of_a_quantized_tensor(source):
        return False
    consumers = [use.node for use in node.outputs[0].uses()]
    return sole_consumer(x, once=True) is node and any(has_trait(c, Trait.ELEMENTWISE) for c in consumers)


def _functions_of(moved: ir.Value, graph: ir.Graph) -> list[ir.Node]:
    """All that is computed of each element of the moved tensor, in order."""
    found: dict[ir.Node, None] = {}
    reached = [moved]
    for value in reached:
        if value.is_graph_output():
            raise Refusal("what is computed of its result is an output of the graph")
        for function in (use.node for use in value.uses()):
            if function in found or not _is_function_of(function, reached):
                continue
            if function.graph is not graph or len(found) == _MOST_NODES:
                raise Refusal("more functions consume it than are looked at, or one in the body of a node")
            found[function] = None
            reached.append(function.outputs[0])
    return list(found)


def _is_function_of(node: ir.Node, values: list[ir.Value]) -> bool:
    """Whether each element of the result depends on those of these values in its place, and on numbers."""
    if not has_trait(node, Trait.ELEMENTWISE) or has_trait(node, Trait.ALONG_SECOND):
        return False
    others = [value for value in node.inputs if value is not None and value not in values]
    return len(node.outputs) == 1 and all(map(_is_number, others))


def _is_number(value: ir.Value) -> bool:
    """A constant of one element that adds no dimension to a vector."""
    array = constant_or_none(value)
    return array is not None and array.size == 1 and array.ndim <= 1
