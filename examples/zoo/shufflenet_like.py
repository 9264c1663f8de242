"""Like ShuffleNetV2: halves of the channels, depthwise convolutions, Concat and channel shuffles."""

from onnx import ModelProto

from zoo.blocks import classifier
from zoo.graph import Graph


def shufflenet_like(seed: int = 0, *, size: int = 224, width: float = 1.0, classes: int = 1000) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`."""
    graph = Graph("shufflenet_like", (3, size, size), seed)
    y = graph.conv(graph.x, max(8, round(24 * width)), 3, 2)
    y = graph.op("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    pixels = size // 4
    for channels, blocks in ((116, 4), (232, 6), (464, 4)):
        half = max(4, round(channels * width / 2))
        pixels //= 2
        y = graph.concat(_depthwise(graph, y, half, 2), _branch(graph, y, half, 2))
        y = _shuffled(graph, y, pixels)
        for _ in range(blocks - 1):
            kept, changed = graph.halves(y)
            y = _shuffled(graph, graph.concat(kept, _branch(graph, changed, half, 1)), pixels)
    y = graph.conv(y, max(16, round(1024 * width)), 1)
    return graph.finish(classifier(graph, y, classes), [classes])


def _branch(graph: Graph, x: str, channels: int, stride: int) -> str:
    return _depthwise(graph, graph.conv(x, channels, 1), channels, stride)


def _depthwise(graph: Graph, x: str, channels: int, stride: int) -> str:
    inner = graph.channels(x)
    return graph.conv(graph.conv(x, inner, 3, stride, group=inner, relu=False), channels, 1)


def _shuffled(graph: Graph, x: str, pixels: int) -> str:
    channels = graph.channels(x)
    y = graph.reshape(x, [-1, 2, channels // 2, pixels, pixels])
    y = graph.op("Transpose", y, perm=[0, 2, 1, 3, 4])
    return graph.reshape(y, [-1, channels, pixels, pixels])
