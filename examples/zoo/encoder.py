"""What transformers are made of, over `[N,S,width]`, as PyTorch's exporter writes it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.graph import Graph


class Sizes(NamedTuple):
    """width: of the vectors of tokens, of which each head sees a part. hidden: of those between."""

    width: int
    heads: int
    hidden: int
    layers: int

    @property
    def head(self) -> int:
        return self.width // self.heads


class Shapes(NamedTuple):
    """Targets of Reshape: tokens apart by heads, `[N,S,heads,width/heads]`, and together, `[N,S,width]`."""

    apart: str
    together: str


def dense(graph: Graph, x: str, inputs: int, outputs: int, gain: float = 1.0) -> str:
    """`[...,inputs] -> [...,outputs]`: MatMul and Add."""
    y = graph.op("MatMul", x, graph.normal("weight", (inputs, outputs), gain / inputs**0.5))
    return graph.op("Add", y, graph.normal("bias", (outputs,), 0.1))


def classifier(graph: Graph, x: str, inputs: int, outputs: int) -> str:
    """`[N,inputs] -> [N,outputs]`: Gemm with transB."""
    weight = graph.normal("weight", (outputs, inputs), 1 / inputs**0.5)
    return graph.op("Gemm", x, weight, graph.normal("bias", (outputs,), 0.1), transB=1)


def norm(graph: Graph, x: str, width: int, epsilon: float = 1e-12) -> str:
    scale, bias = graph.normal("scale", (width,), 0.2, mean=1), graph.normal("bias", (width,), 0.1)
    return graph.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)


def gelu(graph: Graph, x: str, whole: bool) -> str:
    """As an operator, which ONNX has since opset 20, or in parts, as before."""
    if whole:
        return graph.op("Gelu", x)
    error = graph.op("Erf", graph.op("Div", x, graph.weight("root", 2**0.5)))
    inner = graph.op("Add", error, graph.weight("one", 1.0))
    return graph.op("Mul", x, graph.op("Mul", graph.weight("half", 0.5), inner))


def first_token(graph: Graph, x: str) -> str:
    """`[N,S,width] -> [N,width]`"""
    return graph.op("Gather", x, graph.constant("first", np.array(0, np.int64)), axis=1)


def attention(graph: Graph, x: str, sizes: Sizes, shapes: Shapes, mask: str | None) -> str:
    """Self-attention; mask: `[N,1,S,S]`, added to the scores."""
    apart = [_apart(graph, x, sizes, shapes, perm) for perm in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))]
    query, key, value = apart
    scores = graph.op("Mul", graph.op("MatMul", query, key), graph.weight("factor", sizes.head**-0.5))
    if mask is not None:
        scores = graph.op("Add", scores, mask)
    y = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), value)
    y = graph.op("Reshape", graph.op("Transpose", y, perm=[0, 2, 1, 3]), shapes.together, allowzero=1)
    return dense(graph, y, sizes.width, sizes.width)


def _apart(graph: Graph, x: str, sizes: Sizes, shapes: Shapes, perm: Sequence[int]) -> str:
    """Queries, keys or values of the heads."""
    y = graph.op("Reshape", dense(graph, x, sizes.width, sizes.width, 1.5), shapes.apart, allowzero=1)
    return graph.op("Transpose", y, perm=perm)


def feed_forward(graph: Graph, x: str, sizes: Sizes, whole_gelu: bool) -> str:
    y = gelu(graph, dense(graph, x, sizes.width, sizes.hidden), whole_gelu)
    return dense(graph, y, sizes.hidden, sizes.width, 1.5)
