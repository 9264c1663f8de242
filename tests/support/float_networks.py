"""Small float networks, to be quantized."""

import numpy as np
import onnx
from numpy.typing import NDArray

from zoo.graph import Graph


def cnn(classes: int = 8) -> onnx.ModelProto:
    """Convolutions with a residual, and a classifier: x `[N,3,16,16]` -> y `[N,classes]`."""
    graph = Graph("cnn", (3, 16, 16))
    y = first = graph.conv(graph.x, 16, 3)
    y = graph.conv(y, 16, 3, relu=False)
    y = graph.op("Relu", graph.op("Add", y, first))
    y = graph.op("Flatten", graph.op("GlobalAveragePool", y))
    return graph.finish(graph.linear(y, classes), [classes])


def linear() -> onnx.ModelProto:
    """Two matmuls and a Relu between: x `[N,16]` -> y `[N,8]`."""
    graph = Graph("linear", (16,))
    y = graph.op("Relu", graph.op("MatMul", graph.x, graph.normal("w", (16, 32), 0.25)))
    return graph.finish(graph.op("MatMul", y, graph.normal("w", (32, 8), 0.2)), [8])


def images(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 3, 16, 16), dtype=np.float32)


def rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((count, 16), dtype=np.float32)
