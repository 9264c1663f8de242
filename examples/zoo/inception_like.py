"""Like Inception: branches of 1x1, 5x5, 1x7 and 7x1 convolutions and average pools, joined by Concat."""

from onnx import ModelProto

from zoo.blocks import classifier
from zoo.graph import Graph


def inception_like(seed: int = 0, *, size: int = 224, width: float = 1.0, classes: int = 1000) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`. Widths are not rounded: branches need not fit together."""
    graph = Graph("inception_like", (3, size, size), seed)

    def of(channels: int) -> int:
        return max(4, round(channels * width))

    y = graph.conv(graph.x, of(32), 3, 2)
    y = graph.conv(y, of(64), 3)
    y = _pool(graph, "MaxPool", y, 2)
    for features in (32, 64):
        single = graph.conv(y, of(64), 1)
        five = graph.conv(graph.conv(y, of(48), 1), of(64), 5)
        double = graph.conv(graph.conv(graph.conv(y, of(64), 1), of(96), 3), of(96), 3)
        y = graph.concat(single, five, double, graph.conv(_average(graph, y), of(features), 1))
    y = _reduction(graph, y, of(192))
    for inner in (128, 160):
        single = graph.conv(y, of(192), 1)
        seven = graph.conv(graph.conv(graph.conv(y, of(inner), 1), of(inner), (1, 7)), of(192), (7, 1))
        double = graph.conv(y, of(inner), 1)
        for kernel in ((7, 1), (1, 7), (7, 1), (1, 7)):
            double = graph.conv(double, of(inner), kernel)
        y = graph.concat(single, seven, double, graph.conv(_average(graph, y), of(192), 1))
    y = _reduction(graph, y, of(320))
    split = graph.conv(y, of(384), 1)
    split = graph.concat(graph.conv(split, of(384), (1, 3)), graph.conv(split, of(384), (3, 1)))
    y = graph.concat(graph.conv(y, of(320), 1), split, graph.conv(_average(graph, y), of(192), 1))
    return graph.finish(classifier(graph, y, classes), [classes])


def _average(graph: Graph, x: str) -> str:
    return graph.op("AveragePool", x, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)


def _pool(graph: Graph, kind: str, x: str, stride: int) -> str:
    return graph.op(kind, x, kernel_shape=[3, 3], strides=[stride] * 2, pads=[1] * 4)


def _reduction(graph: Graph, x: str, channels: int) -> str:
    return graph.concat(graph.conv(x, channels, 3, 2), _pool(graph, "MaxPool", x, 2))
