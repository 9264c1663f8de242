"""Like ViT: patches as tokens, a class token before them, encoder layers that normalize first."""

import numpy as np
from onnx import ModelProto

from zoo.encoder import Shapes, Sizes, attention, classifier, feed_forward, first_token, norm
from zoo.graph import Graph

_OPSET = 18


def vit_like(
    seed: int = 0,
    *,
    size: int = 224,
    patch: int = 16,
    width: int = 768,
    heads: int = 12,
    hidden: int = 3072,
    layers: int = 12,
    classes: int = 1000,
) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`"""
    sizes = Sizes(width, heads, hidden, layers)
    graph = Graph("vit_like", (3, size, size), seed, opset=_OPSET)
    patches = (size // patch) ** 2
    y = _tokens(graph, patches, patch, width)
    y = graph.op("Add", y, graph.normal("places", (1, patches + 1, width), 0.3))
    shapes = Shapes(
        graph.constant("apart", np.array([-1, patches + 1, heads, sizes.head], np.int64)),
        graph.constant("together", np.array([-1, patches + 1, width], np.int64)),
    )
    for _ in range(layers):
        y = graph.op("Add", attention(graph, norm(graph, y, width), sizes, shapes, None), y)
        y = graph.op("Add", feed_forward(graph, norm(graph, y, width), sizes, whole_gelu=False), y)
    y = first_token(graph, norm(graph, y, width))
    return graph.finish(classifier(graph, y, width, classes), [classes])


def _tokens(graph: Graph, patches: int, patch: int, width: int) -> str:
    """`[N,1 + patches,width]`"""
    batch = graph.op("Shape", graph.x, start=0, end=1)
    weight = graph.normal("weight", (width, 3, patch, patch), 1 / (3 * patch**2) ** 0.5)
    y = graph.op(
        "Conv",
        graph.x,
        weight,
        graph.normal("bias", (width,), 0.1),
        kernel_shape=[patch, patch],
        strides=[patch, patch],
    )
    y = graph.op("Reshape", y, graph.constant("shape", np.array([-1, width, patches], np.int64)), allowzero=1)
    y = graph.op("Transpose", y, perm=[0, 2, 1])
    ones = graph.constant("ones", np.array([1, 1], np.int64))
    token = graph.normal("token", (1, 1, width), 0.5)
    token = graph.op("Expand", token, graph.op("Concat", batch, ones, axis=0))
    return graph.op("Concat", token, y, axis=1)
