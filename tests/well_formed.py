"""That a model in the middle of its conversion is one: values are produced once, and before they are read."""

from collections.abc import Mapping

import onnx_ir as ir

Scope = Mapping[str, ir.Value]


def fault_of(model: ir.Model) -> str | None:
    """What is wrong with the order and the names of the model's nodes and values; None where nothing is."""
    bodies = [model.graph, *(function.graph for function in model.functions.values())]
    return next((fault for body in bodies for fault in [_fault_in(body, {})] if fault is not None), None)


def _fault_in(graph: ir.Graph, outer: Scope) -> str | None:
    known: dict[str, ir.Value] = {}
    for value in (*graph.inputs, *graph.initializers.values()):
        if known.setdefault(value.name or "", value) is not value:
            return f"two inputs or initializers are called {value.name}"
        if value.producer() is not None:
            return f"{value.name} is an input or initializer, and produced by a node"
    for node in graph:
        if node.graph is not graph:
            return f"{node.name} stands in a graph that is not its own"
        for read in node.inputs:
            if read is not None and not _is_known(read, known, outer):
                return f"{node.name} ({node.op_type}) reads {read.name}, which is not there yet"
        for inner in _subgraphs(node):
            fault = _fault_in(inner, {**outer, **known})
            if fault is not None:
                return fault
        for value in node.outputs:
            if value.name and known.setdefault(value.name, value) is not value:
                return f"{node.name} ({node.op_type}) is not the first to produce {value.name}"
    lost = [value.name for value in graph.outputs if not _is_known(value, known, outer)]
    return f"nothing produces the output {lost[0]}" if lost else None


def _is_known(value: ir.Value, known: Scope, outer: Scope) -> bool:
    name = value.name or ""
    return known.get(name, outer.get(name)) is value


def _subgraphs(node: ir.Node) -> list[ir.Graph]:
    graphs: list[ir.Graph] = []
    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH and not attribute.is_ref():
            graphs.append(attribute.as_graph())
        elif attribute.type == ir.AttributeType.GRAPHS and not attribute.is_ref():
            graphs.extend(attribute.as_graphs())
    return graphs
