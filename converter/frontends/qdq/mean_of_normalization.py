"""LayerNormalization -> GlobalAveragePool or ReduceMean -> another shape -> QuantizeLinear

=> QLayerNormalizationGlobalAveragePool. A Transpose may lead to the mean, another shape may be missing.
"""

from dataclasses import replace
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.mean_of_function import kept_axis, mean_shape
from qudnn.converter.frontends.qdq.operand import Operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.graph.edit import sole_consumer, sole_view
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.layout.reshape import make_reshape
from qudnn.converter.lowering.norm.layer_normalization import make_layer_normalization
from qudnn.converter.lowering.sequence import between, make_sequence
from qudnn.converter.qdq.linear import quantizes


class Rows(NamedTuple):
    """What a LayerNormalization over the last axis multiplies by and adds; beta is 0 by default."""

    gamma: Float32Array
    beta: Float32Array | None
    epsilon: float


class _Mean(NamedTuple):
    """last: the node whose result is quantized. shape: of the mean."""

    covers: tuple[ir.Node, ...]
    last: ir.Node
    shape: Shape
    is_exact: bool


def mean_of_normalization(node: ir.Node, x: Operand, rows: Rows, facts: Facts) -> Candidate | None:
    """The candidate for the LayerNormalization and the mean of its rows; None where there is none.

    The op adds up as GlobalAveragePool does, ReduceMean in another order.
    """
    try:
        mean = _read_mean(node, facts.ranked(x.value), facts)
        return None if mean is None else _candidate(node, x, rows, mean, facts)
    except Refusal:  # the normalization may leave the island alone
        return None


def _candidate(node: ir.Node, x: Operand, rows: Rows, mean: _Mean, facts: Facts) -> Candidate:
    y = read_result(mean.last).unclamped()
    covers = (node, *mean.covers, *y.covers)
    inside = y.quantized._replace(value=between(y.value, "mean"))
    candidate = make_layer_normalization(covers, x.quantized, inside, *rows, facts, mean=True)
    (port,) = candidate.outputs
    facts.learn(port)
    view = make_reshape(covers, port.value, y.value, port.dtype, port.shape, mean.shape, facts)
    candidate = make_sequence([candidate, view])
    return candidate if mean.is_exact else replace(candidate, note=IN_FLOAT)


def _read_mean(node: ir.Node, shape: Shape, facts: Facts) -> _Mean | None:
    if len(shape) not in (3, 4, 5):
        return None
    axis, covers = len(shape) - 1, []
    consumer = sole_consumer(node.outputs[0], once=True, inside=True)
    if is_onnx(consumer, "Transpose"):
        perm = consumer.attributes.get_ints("perm", [])
        if list(perm) != [0, axis, *range(1, axis)]:
            return None
        covers.append(consumer)
        shape, axis = tuple(shape[place] for place in perm), 1
        consumer = sole_consumer(consumer.outputs[0], once=True, inside=True)
    if consumer is None or not is_onnx(consumer, "GlobalAveragePool", "ReduceMean"):
        return None
    if kept_axis(consumer, shape, facts) != axis:
        return None
    view = sole_view(consumer.outputs[0])
    covers += [consumer] if view is None else [consumer, view]
    last = covers[-1]
    if not any(quantizes(use.node) for use in last.outputs[0].uses()):
        return None
    y_shape = mean_shape(consumer, view, shape, axis, facts)
    return _Mean(tuple(covers), last, y_shape, is_onnx(consumer, "GlobalAveragePool"))
