"""The order of nodes: producers before consumers."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import onnx_ir as ir

Body = ir.Graph | ir.Function


def read_by(node: ir.Node) -> Iterator[ir.Value]:
    """What the node reads, the graphs inside of it included."""
    yield from (value for value in node.inputs if value is not None)
    for graph in subgraphs(node):
        for inner in ir.traversal.RecursiveGraphIterator(graph):
            yield from (value for value in inner.inputs if value is not None)
        yield from graph.outputs


def subgraphs(node: ir.Node) -> Iterator[ir.Graph]:
    for attribute in node.attributes.values():
        if attribute.is_ref():
            continue
        if attribute.type == ir.AttributeType.GRAPH:
            yield attribute.as_graph()
        elif attribute.type == ir.AttributeType.GRAPHS:
            yield from attribute.as_graphs()


def too_early(body: Body) -> ir.Node | None:
    """The first node that reads what a later one of its graph produces; graphs inside count."""
    waiting = [body.graph if isinstance(body, ir.Function) else body]
    while waiting:
        graph = waiting.pop()
        done: set[ir.Node] = set()
        for node in graph:
            waiting.extend(subgraphs(node))
            producers = (value.producer() for value in read_by(node))
            if any(p is not None and p.graph is graph and p not in done for p in producers):
                return node
            done.add(node)
    return None


def circle(body: Body) -> list[ir.Node]:
    """Nodes of which each reads what the one before it produces, the first what the last does; or none."""
    outer = body.graph if isinstance(body, ir.Function) else body
    for graph in [outer, *outer.subgraphs()]:
        sorter: TopologicalSorter[ir.Node] = TopologicalSorter()
        for node in graph:
            producers = [value.producer() for value in read_by(node)]
            sorter.add(node, *(p for p in producers if p is not None and p.graph is graph))
        try:
            sorter.prepare()
        except CycleError as error:
            found: list[ir.Node] = error.args[1]
            return found[:-1]
    return []
