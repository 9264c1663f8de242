"""ResNet-50 (version 1.5: the stride is in the 3x3 convolution)."""

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from zoo.graph import Graph

_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # (width, blocks)
_EXPANSION = 4


def resnet50(
    seed: int = 0,
    dtype: npt.DTypeLike = np.float32,
    *,
    size: int = 224,
    width: float = 1.0,
    classes: int = 1000,
) -> ModelProto:
    """`x [N,3,size,size] -> y [N,classes]`; `width` scales all channel counts, for tests."""
    graph = Graph("resnet50", (3, size, size), seed, dtype)
    y = graph.conv(graph.x, round(64 * width), 7, stride=2)
    y = graph.op("MaxPool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for stage, (channels, blocks) in enumerate(_STAGES):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            y = _bottleneck(graph, y, round(channels * width), stride, project=block == 0)
    y = graph.op("GlobalAveragePool", y)
    y = graph.op("Flatten", y)
    return graph.finish(graph.linear(y, classes), [classes])


def _bottleneck(graph: Graph, x: str, channels: int, stride: int, *, project: bool) -> str:
    y = graph.conv(x, channels, 1)
    y = graph.conv(y, channels, 3, stride)
    # The residual branch adds a quarter to the variance, so that sixteen of them keep it in bounds.
    y = graph.conv(y, channels * _EXPANSION, 1, relu=False, gain=0.5)
    shortcut = graph.conv(x, channels * _EXPANSION, 1, stride, relu=False) if project else x
    return graph.op("Relu", graph.op("Add", y, shortcut))
