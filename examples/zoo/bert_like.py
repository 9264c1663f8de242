"""Like BERT with a classifier: embeddings, encoder layers that normalize after each residual, a pooler."""

import numpy as np
from onnx import ModelProto

from zoo.encoder import Shapes, Sizes, attention, classifier, feed_forward, first_token, norm
from zoo.graph import Graph

_OPSET = 20  # the first with Gelu


def bert_like(
    seed: int = 0,
    *,
    width: int = 768,
    heads: int = 12,
    hidden: int = 3072,
    layers: int = 12,
    vocabulary: int = 30522,
    positions: int = 512,
    classes: int = 2,
    masked: bool = True,
) -> ModelProto:
    """`input_ids [N,S] -> y [N,classes]`; masked: with an `attention_mask [N,S]`, 0 for tokens to ignore.

    Both are int64, and both sizes dynamic.
    """
    sizes = Sizes(width, heads, hidden, layers)
    graph = Graph("bert_like", seed=seed, opset=_OPSET)
    ids = graph.input("input_ids", np.int64, ["N", "S"])
    batch, length = graph.op("Shape", ids, start=0, end=1), graph.op("Shape", ids, start=1, end=2)
    mask = _mask(graph, batch, length) if masked else None
    y = norm(graph, _embeddings(graph, ids, batch, length, width, vocabulary, positions), width)
    rest = graph.constant("rest", np.array([-1, sizes.head], np.int64))
    all_ = graph.constant("all", np.array([-1], np.int64))
    for _ in range(layers):
        shapes = Shapes(
            graph.op("Concat", batch, length, rest, axis=0), graph.op("Concat", batch, length, all_, axis=0)
        )
        y = norm(graph, graph.op("Add", attention(graph, y, sizes, shapes, mask), y), width)
        y = norm(graph, graph.op("Add", feed_forward(graph, y, sizes, whole_gelu=True), y), width)
    pooled = graph.op("Tanh", classifier(graph, first_token(graph, y), width, width))
    return graph.finish(classifier(graph, pooled, width, classes), [classes])


def _embeddings(
    graph: Graph, ids: str, batch: str, length: str, width: int, vocabulary: int, positions: int
) -> str:
    """Of words, of their places, and of the first of two kinds of tokens."""
    zero, one = (graph.constant(role, np.array([n], np.int64)) for role, n in (("zero", 0), ("one", 1)))
    places = graph.constant("places", np.arange(positions)[None])
    kinds = graph.constant("kinds", np.zeros((1, positions), np.int64))
    places, kinds = (graph.op("Slice", numbers, zero, length, one, one) for numbers in (places, kinds))
    kinds = graph.op("Expand", kinds, graph.op("Concat", batch, length, axis=0))
    words = graph.op("Gather", graph.normal("words", (vocabulary, width), 0.5), ids)
    y = graph.op("Add", words, graph.op("Gather", graph.normal("kinds", (2, width), 0.2), kinds))
    return graph.op("Add", y, graph.op("Gather", graph.normal("places", (positions, width), 0.3), places))


def _mask(graph: Graph, batch: str, length: str) -> str:
    """`[N,1,S,S]`: 0, or for what is to be ignored the least of all numbers."""
    given = graph.input("attention_mask", np.int64, ["N", "S"])
    kept = graph.op("Cast", given, to=9)  # bool
    kept = graph.op("Unsqueeze", kept, graph.constant("axes", np.array([1, 2], np.int64)))
    one = graph.constant("one", np.array([1], np.int64))
    kept = graph.op("Expand", kept, graph.op("Concat", batch, one, length, length, axis=0))
    least = graph.weight("least", np.finfo(np.float32).min)
    return graph.op("Where", kept, graph.weight("zero", 0.0), least)
