"""Like DenseNet: each layer reads all results before it, joined by Concat.

Batch normalizations stand before convolutions and after Concat here, where nothing folds them.
"""

from onnx import ModelProto

from zoo.blocks import classifier
from zoo.graph import Graph


def densenet_like(seed: int = 0, *, size: int = 224, width: float = 1.0, classes: int = 1000) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`."""
    graph = Graph("densenet_like", (3, size, size), seed)
    growth = max(4, round(32 * width))
    y = graph.conv(graph.x, 2 * growth, 7, 2)
    y = graph.op("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    for stage, layers in enumerate((4, 6, 8)):
        if stage:
            y = graph.conv(_activated(graph, y), graph.channels(y) // 2, 1, relu=False)
            y = graph.op("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2])
        for _ in range(layers):
            new = graph.conv(graph.conv(_activated(graph, y), 4 * growth, 1), growth, 3, relu=False)
            y = graph.concat(y, new)
    return graph.finish(classifier(graph, _activated(graph, y), classes), [classes])


def _activated(graph: Graph, x: str) -> str:
    return graph.op("Relu", graph.norm(x))
