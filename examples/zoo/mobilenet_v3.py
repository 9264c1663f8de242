"""MobileNetV3 (large): HardSwish, and squeeze-and-excite with HardSigmoid."""

from onnx import ModelProto

from zoo.blocks import hard_swish, relu, rounded, squeeze_excite
from zoo.graph import Graph

# (kernel, expanded channels, channels, squeeze-and-excite, HardSwish, stride)
_BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
)


def mobilenet_v3(seed: int = 0, *, size: int = 224, width: float = 1.0, classes: int = 1000) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`."""
    graph = Graph("mobilenet_v3", (3, size, size), seed)
    y = hard_swish(graph, graph.conv(graph.x, rounded(16 * width), 3, 2, relu=False, gain=1.5))
    for kernel, inner, channels, excite, swish, stride in _BLOCKS:
        x = y
        activation = hard_swish if swish else relu
        inner = rounded(inner * width)
        y = activation(graph, graph.conv(y, inner, 1, relu=False, gain=1.5))
        y = activation(graph, graph.conv(y, inner, kernel, stride, group=inner, relu=False, gain=1.5))
        if excite:
            y = squeeze_excite(graph, y, rounded(inner / 4), "HardSigmoid")
        y = graph.conv(y, rounded(channels * width), 1, relu=False)
        if stride == 1 and graph.channels(x) == graph.channels(y):
            y = graph.op("Add", x, y)
    y = hard_swish(graph, graph.conv(y, rounded(960 * width), 1, relu=False, gain=1.5))
    y = graph.op("Flatten", graph.op("GlobalAveragePool", y))
    y = hard_swish(graph, graph.linear(y, rounded(1280 * width)))
    return graph.finish(graph.linear(y, classes), [classes])
