"""MobileNetV2: inverted residuals with depthwise convolutions and Relu6."""

from onnx import ModelProto

from zoo.blocks import classifier, relu6, rounded
from zoo.graph import Graph

_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(seed: int = 0, *, size: int = 224, width: float = 1.0, classes: int = 1000) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`."""
    graph = Graph("mobilenet_v2", (3, size, size), seed)
    y = _conv(graph, graph.x, rounded(32 * width), 3, 2)
    for expansion, channels, blocks, first_stride in _STAGES:
        for block in range(blocks):
            y = _inverted(graph, y, rounded(channels * width), expansion, 1 if block else first_stride)
    y = _conv(graph, y, rounded(1280 * max(width, 1 / 8)), 1)
    return graph.finish(classifier(graph, y, classes), [classes])


def _inverted(graph: Graph, x: str, channels: int, expansion: int, stride: int) -> str:
    inner = graph.channels(x) * expansion
    y = _conv(graph, x, inner, 1) if expansion > 1 else x
    y = _conv(graph, y, inner, 3, stride, group=inner)
    y = graph.conv(y, channels, 1, relu=False)
    return graph.op("Add", x, y) if stride == 1 and graph.channels(x) == channels else y


def _conv(graph: Graph, x: str, channels: int, kernel: int, stride: int = 1, group: int = 1) -> str:
    return relu6(graph, graph.conv(x, channels, kernel, stride, group=group, relu=False, gain=2**0.5))
