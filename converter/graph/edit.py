"""Small changes to a graph that keep it valid."""

from collections.abc import Iterable
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.graph.op_traits import Trait, has_trait


def describe_as(new: ir.Node | ir.Value, old: ir.Node | ir.Value) -> None:
    """Give `new` the documentation and the metadata of `old`, in whose place it stands."""
    new.doc_string = old.doc_string
    new.metadata_props.update(old.metadata_props)


def take_place(old: ir.Value, new: ir.Value) -> None:
    """Let `new` stand wherever `old` stood, under its name, as an output of the graph too."""
    new.name, new.type, new.shape = old.name, old.type, old.shape
    describe_as(new, old)
    old.replace_all_uses_with(new, replace_graph_outputs=True)


def leave_out(output: ir.Value) -> None:
    """Let the node leave out an output of its that is optional and that nothing reads."""
    output.name = ""


def is_needed(value: ir.Value) -> bool:
    """Whether anything reads the value, a graph inside the graph included."""
    return value.is_graph_output() or bool(value.uses())


def consumed_only_by(node: ir.Node, consumer: ir.Node) -> bool:
    """Whether `consumer` is the sole consumer of the node's first output."""
    y = node.outputs[0]
    return not y.is_graph_output() and all(use.node is consumer for use in y.uses())


def equal_attributes(node: ir.Node) -> frozenset[tuple[str, str]]:
    """The same for nodes whose attributes have the same names and values."""
    return frozenset((name, str(attribute.value)) for name, attribute in node.attributes.items())


def sole_consumer(value: ir.Value, *, once: bool = False, inside: bool = False) -> ir.Node | None:
    """The node that alone reads the value; None where there are several, or where the graph needs it.

    once: by one of its inputs. inside: a node of the value's own graph, not of a body of another node.
    """
    uses = value.uses()
    if value.is_graph_output() or not uses or (once and len(uses) > 1):
        return None
    consumer = next(iter(uses)).node
    if any(use.node is not consumer for use in uses):
        return None
    return None if inside and consumer.graph is not value.graph else consumer


def sole_view(value: ir.Value) -> ir.Node | None:
    """The node that alone reads the value, once, in its own graph, and gives it another shape."""
    view = sole_consumer(value, once=True, inside=True)
    return view if has_trait(view, Trait.VIEWS) and view.inputs[0] is value else None


def remove_orphans(nodes: Iterable[ir.Node]) -> None:
    """Remove those of the nodes that nothing needs, and whatever nothing needs without them.

    What was without use before is left alone.
    """
    waiting = list(nodes)
    constants: dict[ir.Value, None] = {}  # each looked at once: a value with n uses makes a tuple of n
    while waiting:
        node = waiting.pop()
        graph = node.graph
        if graph is None or any(is_needed(output) for output in node.outputs):
            continue
        inputs = [value for value in dict.fromkeys(node.inputs) if value is not None]
        graph.remove(node, safe=True)
        for value in inputs:
            producer = value.producer()
            if producer is not None:
                waiting.append(producer)
            else:
                constants[value] = None
    for value in constants:
        remove_unused(value)


def replace_node(last: ir.Node, fused: ir.Node, described: ir.Node) -> None:
    """Let a node with one result do what `last` did, and all before it that nothing else needs.

    described: the one of those whose documentation and metadata it gets.
    """
    graph = last.graph
    assert graph is not None
    describe_as(fused, described)
    graph.insert_after(last, fused)
    take_place(last.outputs[0], fused.outputs[0])
    remove_orphans([last])


def detach(graph: ir.Graph) -> None:
    """Let the graph, which is dropped, read nothing any more, nor the graphs inside of it."""
    for each in [graph, *graph.subgraphs()]:
        each.outputs.clear()
        for node in each:
            for index in range(len(node.inputs)):
                node.replace_input_with(index, None)


def remove_unused(value: ir.Value) -> None:
    """Remove the initializer, if it is one and nothing needs it."""
    if value.is_initializer() and not value.is_graph_input() and not is_needed(value):
        assert value.graph is not None and value.name is not None
        del value.graph.initializers[value.name]


def add_initializer(graph: ir.Graph | ir.Function, name: str, array: NDArray[Any]) -> ir.Value:
    """A constant of the graph, under a name that nothing has yet."""
    assert isinstance(graph, ir.Graph)
    tensor = ir.tensor(array, name=name)
    value = ir.Value(
        name=name, type=ir.TensorType(tensor.dtype), shape=ir.Shape(array.shape), const_value=tensor
    )
    graph.initializers.add(value)
    return value
