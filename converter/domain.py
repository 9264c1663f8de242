"""The domain of qudnn's ops, and whether a model has any: asked before anything larger is imported."""

from collections.abc import Iterable, Iterator

import onnx

DOMAIN = "qudnn"


def has_ops(model: onnx.ModelProto) -> bool:
    """Whether the model has ops of qudnn: in its graph, in a graph inside of it, or in a function.

    That it imports their domain says nothing: onnxruntime writes the domains of all registered libraries
    into the models that it saves, which its quantizer does. Nor do the bodies of the ops themselves.
    """
    bodies: list[Iterable[onnx.NodeProto]] = [model.graph.node]
    bodies += [function.node for function in model.functions if function.domain != DOMAIN]
    while bodies:
        for node in bodies.pop():
            if node.domain == DOMAIN:
                return True
            bodies += [graph.node for graph in _graphs(node)]
    return False


def _graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
