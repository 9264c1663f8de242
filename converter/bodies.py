"""Bodies of If, Loop and Scan as models of their own, so that they convert as a model does."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import onnx_ir as ir

from qudnn.converter.analysis.body_inputs import declare, tell_inputs
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.quantized import has_stored_weights, quantized_nodes
from qudnn.converter.domain import DOMAIN
from qudnn.converter.graph.constants import constant_tensor
from qudnn.converter.graph.edit import detach, remove_orphans, remove_unused
from qudnn.converter.graph.names import Names
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.opset_imports import drop_unused_imports
from qudnn.converter.version import VERSION_KEY, qudnn_version

_LARGE = 1024  # bytes
_MOST_REMOVED = 64  # nodes in a row


@dataclass
class Body:
    """A body of a node in `outer`. model: a copy of it, with the values of outer that it reads as inputs.

    Those that are constant are initializers of the copy.
    """

    outer: ir.Model
    node: ir.Node
    attribute: str
    model: ir.Model
    _stands_for: dict[ir.Value, ir.Value] = field(default_factory=dict)

    def put_back(self, names: Names) -> list[ir.Value]:
        """Let the model, which has ops of qudnn, be the node's body instead of the one that it has.

        Returns the constants that are new in it; their names are no other value's.
        """
        graph = self.model.graph
        for value, captured in self._stands_for.items():
            if value.is_graph_input():
                graph.inputs.remove(value)
                value.replace_all_uses_with(_readable(captured, names))
            elif value.is_initializer():  # which passes have not removed
                del graph.initializers[value.name or ""]
                if value.const_value is constant_tensor(captured):
                    value.replace_all_uses_with(captured)
                else:
                    value.name = names.value(value.name or "")
                    graph.initializers.add(value)
        before = self.node.attributes[self.attribute].as_graph()
        new = [value for name, value in graph.initializers.items() if name not in before.initializers]
        self.node.attributes[self.attribute] = ir.AttrGraph(self.attribute, graph)
        detach(before)
        for captured in self._stands_for.values():
            producer = captured.producer()
            if producer is not None:
                remove_orphans([producer])
            else:
                remove_unused(captured)
        self._adopt_functions()
        graph.opset_imports.clear()
        return new

    def _adopt_functions(self) -> None:
        outer = self.outer
        outer.functions.update(self.model.functions)
        for domain, version in self.model.opset_imports.items():
            outer.opset_imports.setdefault(domain, version)
        outer.opset_imports[DOMAIN] = self.model.opset_imports[DOMAIN]
        outer.ir_version = max(outer.ir_version, self.model.ir_version)
        outer.metadata_props[VERSION_KEY] = qudnn_version()


def graphs_of(node: ir.Node) -> Iterator[tuple[str, ir.Graph]]:
    """The graphs inside of the node, each with the name by which reports call it."""
    for name, attribute in node.attributes.items():
        if attribute.is_ref():
            continue
        if attribute.type == ir.AttributeType.GRAPH:
            yield name, attribute.as_graph()
        elif attribute.type == ir.AttributeType.GRAPHS:
            yield from ((f"{name}[{index}]", graph) for index, graph in enumerate(attribute.as_graphs()))


def is_worth_asking(graph: ir.Graph) -> bool:
    """Whether any node inside is quantized, converts, or has weights that are stored in few bits."""
    for each in (graph, *graph.subgraphs()):
        if any(has_trait(node, Trait.CONVERTS) or has_stored_weights(node) for node in each):
            return True
        if quantized_nodes(each):
            return True
    return False


def why_not(node: ir.Node, graph: ir.Graph, facts: Facts) -> str | None:
    """Why a body of the node is not converted whatever it has; None where it may be. facts: of node.graph."""
    if not is_onnx(node, "If", "Loop", "Scan"):
        return f"it is in the body of {node.op_type}, and only those of If, Loop and Scan are converted"
    for each in (graph, *graph.subgraphs()):
        for output in each.outputs:
            if output.graph is node.graph:
                return f"it is in a body of {node.op_type} that has an outer tensor as its result"
    for inner in ir.traversal.RecursiveGraphIterator(graph):
        for value in inner.inputs:
            if value is None or value.graph is not node.graph or not _is_of_function(value):
                continue
            if not facts.shape(value):
                return (
                    f"it is in a body of {node.op_type} that reads {value.name}, which is converted outside: "
                    "it is not known to have dimensions"
                )
    return None


def _readable(value: ir.Value, names: Names) -> ir.Value:
    """What a body with ops of qudnn may read in the place of the outer value: of a function, a copy.

    onnxruntime's inliner names a function's values anew in each graph (Graph::InlineFunctionProto, 1.31).
    Where a function's last Cast is then dropped (insert_cast_transformer.cc, RemoveDuplicateCastTransformer),
    a body reads what the Cast read, under a name that the body has for a value of its own. Nothing drops or
    renames the copy, a Concat of one tensor.
    """
    node = value.producer()
    if node is None or node.graph is None or not _is_of_function(value):
        return value
    for use in value.uses():
        if is_onnx(use.node, "Concat") and len(use.node.inputs) == 1 and use.node.graph is node.graph:
            return use.node.outputs[0]
    copy = ir.node("Concat", [value], {"axis": 0}, name=names.node(f"{value.name}/for_bodies"))
    (y,) = copy.outputs
    y.name, y.type, y.shape = names.value(f"{value.name}/for_bodies"), value.type, value.shape
    node.graph.insert_after(node, copy)
    return y


def _is_of_function(value: ir.Value) -> bool:
    """Whether an op of qudnn makes it, apart from nodes that onnxruntime may remove."""
    for _ in range(_MOST_REMOVED):
        node = value.producer()
        if node is None:
            return False
        if node.domain == DOMAIN:
            return True
        inputs = [each for each in node.inputs if each is not None and constant_tensor(each) is None]
        if len(inputs) != 1:
            return False
        (value,) = inputs
    return False


def body_of(node: ir.Node, attribute: str, outer: ir.Model, facts: Facts) -> Body:
    """The body of a node in outer's graph, of which why_not says nothing. facts: of outer's values."""
    graph = node.attributes[attribute].as_graph().clone(allow_outer_scope_values=True)
    functions = [function for function in outer.functions.values() if function.domain != DOMAIN]
    model = ir.Model(graph, ir_version=outer.ir_version, functions=functions)
    model.opset_imports.clear()
    model.opset_imports.update(outer.opset_imports)
    stands_for = {}
    captured: dict[ir.Value, ir.Value] = {}
    for inner in ir.traversal.RecursiveGraphIterator(graph):
        for index, value in enumerate(inner.inputs):
            if value is None or value.graph is not outer.graph:
                continue
            if value not in captured:
                captured[value] = _stand_in(value, graph, facts)
                stands_for[captured[value]] = value
            inner.replace_input_with(index, captured[value])
    tell_inputs(node, model, facts)
    return Body(outer, node, attribute, model, stands_for)


def settle(model: ir.Model, constants: list[ir.Value]) -> None:
    """Finish a model with converted bodies. constants: those that are new in bodies.

    Equal large constants of bodies => one of the graph: branches of a merged decoder have the same weights.
    """
    drop_unused_imports(model)
    graph = model.graph
    shared: dict[tuple[object, ...], list[ir.Value]] = {}
    for value in constants:
        tensor, owner = value.const_value, value.graph
        if tensor is None or not isinstance(owner, ir.Graph) or tensor.nbytes < _LARGE:
            continue
        digest = hashlib.sha256(tensor.tobytes()).digest()
        shared.setdefault((tensor.dtype, tuple(tensor.shape), digest), []).append(value)
    for values in shared.values():
        if len({value.graph for value in values}) < 2:
            continue
        for value in values:
            assert isinstance(value.graph, ir.Graph)
            del value.graph.initializers[value.name or ""]
            if value is not values[0]:
                value.replace_all_uses_with(values[0])
        graph.initializers.add(values[0])


def _stand_in(value: ir.Value, graph: ir.Graph, facts: Facts) -> ir.Value:
    """What the body's graph has for the outer value, under its name."""
    tensor = None if value.is_graph_input() else constant_tensor(value)
    new = ir.Value(name=value.name, const_value=tensor)
    declare(new, value.dtype or facts.dtype(value), facts.shape(value))
    if tensor is None:
        graph.inputs.append(new)
    else:
        new.shape = ir.Shape(list(tensor.shape.numpy()))
        graph.initializers.add(new)
    return new
