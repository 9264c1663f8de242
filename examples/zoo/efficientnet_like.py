"""Like EfficientNet: SiLU written as Sigmoid and Mul, squeeze-and-excite, depthwise 5x5."""

from onnx import ModelProto

from zoo.blocks import classifier, rounded, silu, squeeze_excite
from zoo.graph import Graph

_STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 2, 2),
    (6, 5, 112, 1, 1),
    (6, 5, 192, 2, 2),
)


def efficientnet_like(
    seed: int = 0, *, size: int = 224, width: float = 1.0, classes: int = 1000
) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`."""
    graph = Graph("efficientnet_like", (3, size, size), seed)
    y = silu(graph, graph.conv(graph.x, rounded(32 * width), 3, 2, relu=False, gain=1.5))
    for expansion, kernel, channels, blocks, first_stride in _STAGES:
        for block in range(blocks):
            x, stride = y, 1 if block else first_stride
            inner = graph.channels(x) * expansion
            if expansion > 1:
                y = silu(graph, graph.conv(y, inner, 1, relu=False, gain=1.5))
            y = silu(graph, graph.conv(y, inner, kernel, stride, group=inner, relu=False, gain=1.5))
            y = squeeze_excite(graph, y, max(4, graph.channels(x) // 4), "Sigmoid")
            y = graph.conv(y, rounded(channels * width), 1, relu=False)
            if stride == 1 and graph.channels(x) == graph.channels(y):
                y = graph.op("Add", x, y)
    y = silu(graph, graph.conv(y, rounded(1280 * width), 1, relu=False, gain=1.5))
    return graph.finish(classifier(graph, y, classes), [classes])
