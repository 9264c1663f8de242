"""Blocks that several architectures share."""

import numpy as np

from zoo.graph import Graph


def rounded(channels: float) -> int:
    """The nearest multiple of 8, as mobile architectures round their widths; at least 8."""
    return max(8, int(channels + 4) // 8 * 8)


def relu6(graph: Graph, x: str) -> str:
    low, high = (graph.weight(name, np.float32(value)) for name, value in (("low", 0), ("high", 6)))
    return graph.op("Clip", x, low, high)


def silu(graph: Graph, x: str) -> str:
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def hard_swish(graph: Graph, x: str) -> str:
    return graph.op("HardSwish", x)


def relu(graph: Graph, x: str) -> str:
    return graph.op("Relu", x)


def squeeze_excite(graph: Graph, x: str, squeezed: int, gate: str) -> str:
    """x, each channel scaled by a gate (Sigmoid or HardSigmoid) that depends on the channels' means."""
    y = graph.conv(graph.op("GlobalAveragePool", x), squeezed, 1)
    y = graph.conv(y, graph.channels(x), 1, relu=False, gain=2)
    attributes = {"alpha": 1 / 6, "beta": 0.5} if gate == "HardSigmoid" else {}
    return graph.op("Mul", x, graph.op(gate, y, **attributes))


def classifier(graph: Graph, x: str, classes: int) -> str:
    return graph.linear(graph.op("Flatten", graph.op("GlobalAveragePool", x)), classes)
