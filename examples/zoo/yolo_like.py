"""Like YOLO: SiLU, cross-stage blocks, pyramid pooling, and a neck with nearest upsampling and Concat."""

import numpy as np
from onnx import ModelProto

from zoo.blocks import silu
from zoo.graph import Graph

_OUTPUTS = 24  # per pixel: box, objectness, classes


def yolo_like(seed: int = 0, *, size: int = 320, width: float = 1.0) -> ModelProto:
    """`x [N,3,size,size] -> y [N,24,(size/8)^2 + (size/16)^2]`: the detections of two scales, in one row."""
    graph = Graph("yolo_like", (3, size, size), seed)

    def of(channels: int) -> int:
        return max(8, round(channels * width))

    y = _conv(graph, graph.x, of(32), 3, 2)
    y = _stage(graph, _conv(graph, y, of(64), 3, 2), 1)
    eighth = _stage(graph, _conv(graph, y, of(128), 3, 2), 2)
    y = _stage(graph, _conv(graph, eighth, of(256), 3, 2), 2)
    sixteenth = _pyramid(graph, y)
    up = graph.op(
        "Resize",
        _conv(graph, sixteenth, of(128), 1),
        "",
        graph.weight("scales", np.array([1, 1, 2, 2], np.float32)),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    fine = _stage(graph, graph.concat(up, eighth), 1)
    coarse = _stage(graph, graph.concat(_conv(graph, fine, of(128), 3, 2), sixteenth), 1)
    heads = [
        graph.reshape(graph.conv(scale, _OUTPUTS, 1, relu=False), [0, _OUTPUTS, -1])
        for scale in (fine, coarse)
    ]
    cells = (size // 8) ** 2 + (size // 16) ** 2
    return graph.finish(graph.op("Concat", *heads, axis=2), [_OUTPUTS, cells])


def _conv(graph: Graph, x: str, channels: int, kernel: int, stride: int = 1) -> str:
    return silu(graph, graph.conv(x, channels, kernel, stride, relu=False, gain=1.5))


def _stage(graph: Graph, x: str, blocks: int) -> str:
    """Half of the channels through residual blocks, beside the other half."""
    half = graph.channels(x) // 2
    y = _conv(graph, x, half, 1)
    for _ in range(blocks):
        y = graph.op("Add", y, _conv(graph, _conv(graph, y, half, 1), half, 3))
    return _conv(graph, graph.concat(y, _conv(graph, x, half, 1)), 2 * half, 1)


def _pyramid(graph: Graph, x: str) -> str:
    channels = graph.channels(x)
    pools = [_conv(graph, x, channels // 2, 1)]
    for _ in range(3):
        pools.append(graph.op("MaxPool", pools[-1], kernel_shape=[5, 5], pads=[2] * 4))
    return _conv(graph, graph.concat(*pools), channels, 1)
