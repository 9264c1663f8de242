"""The domain of qudnn's ops, and whether a model has any: asked before anything larger is imported."""

from collections.abc import Iterable, Iterator

import onnx

DOMAIN = "qudnn"


def has_ops(model: onnx.ModelProto) -> bool:
    """Whether the model has ops of qudnn: in its graph, in a graph inside of it, or in a function.

    An import of their domain proves nothing: onnxruntime adds the domains of all registered libraries to a
    model that it loads (1.30, model.cc, Model::Model), and its quantizer saves such models. Nor do the
    function bodies of the ops themselves prove anything.
    """
    bodies: list[Iterable[onnx.NodeProto]] = [model.graph.node]
    bodies += [function.node for function in model.functions if function.domain != DOMAIN]
    while bodies:
        for node in bodies.pop():
            if node.domain == DOMAIN:
                return True
            bodies += [graph.node for graph in graphs_in(node)]
    return False


def graphs_in(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The bodies that a node has as attributes, such as the branches of an If."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def graphs_within(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """The graph and all bodies inside of it."""
    waiting = [graph]
    for each in waiting:
        yield each
        for node in each.node:
            waiting += graphs_in(node)
