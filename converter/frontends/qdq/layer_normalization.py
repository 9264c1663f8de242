"""DequantizeLinear -> LayerNormalization -> QuantizeLinear => QLayerNormalization

DequantizeLinear (2) -> Add (of a bias) -> Add -> LayerNormalization -> QuantizeLinear
=> AddLayerNormalizationToIsland

DequantizeLinear -> LayerNormalization, before what works in float32 => QLayerNormalizationToFloat, or with
the mean of all rows (mean_of_normalization.py)

In models of the format QOperator it stands between the two as well.
"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.mean_of_normalization import Rows, mean_of_normalization
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.norm.add_normalization import OTHERWISE, Sum, make_add_normalization
from qudnn.converter.lowering.norm.layer_normalization import (
    make_layer_normalization,
    make_layer_normalization_to_float,
)
from qudnn.converter.qdq.linear import float_constant, quantizes
from qudnn.converter.qdq.sums import BiasedSum, biased_sum

_MIN_OPSET = 17  # of ONNX's operator, which the function's body is written in
_EPSILON = 1e-5  # by default


def layer_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, scale, bias (optional)."""
    sum_ = biased_sum(required_input(node, 0).producer())
    if sum_ is not None:
        return _of_sum(node, sum_, facts)
    x = read_operand(node, 0, facts)
    rows = _read_rows(node, len(facts.ranked(x.value)), facts)
    if not any(quantizes(use.node) for use in node.outputs[0].uses()) and not _is_clipped(node):
        mean = mean_of_normalization(node, x, rows, facts)
        return mean or make_layer_normalization_to_float(node, x.quantized, *rows, facts)
    y = read_result(node).unclamped()
    return make_layer_normalization((node, *y.covers), x.quantized, y.quantized, *rows, facts)


def _is_clipped(node: ir.Node) -> bool:
    """Whether something of it is quantized that read_result() may take, or refuses with its reason."""
    return has_trait(sole_consumer(node.outputs[0]), Trait.CLIPS | Trait.NO_EFFECT)


def _of_sum(node: ir.Node, sum_: BiasedSum, facts: Facts) -> Candidate:
    """With the sum of two dequantized tensors, which is not quantized."""
    x = read_operand(sum_.x_node, sum_.x_index, facts)
    residual = read_operand(sum_.total, sum_.residual_index, facts)
    shape = facts.ranked(x.value)
    gamma, beta, epsilon = _read_rows(node, len(shape), facts)
    bias = None if sum_.bias is None else constant(sum_.bias, "bias")
    y = read_result(node).unclamped()
    adds = [sum_.total] if sum_.biased is None else [sum_.total, sum_.biased]
    value = sum_.total.outputs[0]
    is_read = sole_consumer(value) is not node
    covers = (node, *adds, *y.covers)
    total = Sum(covers, x.quantized, residual.quantized, y.quantized, value if is_read else None)
    candidate = make_add_normalization(total, bias, gamma, beta, epsilon, facts)
    return candidate if is_read or len(shape) != 3 else replace(candidate, note=OTHERWISE)


def _read_rows(node: ir.Node, rank: int, facts: Facts) -> Rows:
    axis = node.attributes.get_int("axis", -1)
    if axis not in (-1, rank - 1):
        raise Refusal(f"its axis {axis} is not the last one")
    if facts.opsets.get("", 0) < _MIN_OPSET:
        raise Refusal(f"the model's opset is older than {_MIN_OPSET}")
    if node.attributes.get_int("stash_type", 1) != ir.DataType.FLOAT:
        raise Refusal("it does not compute in float32")
    if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
        raise Refusal("its outputs for mean and deviation are used")
    bias = node_input(node, 2)
    return Rows(
        float_constant(required_input(node, 1), "scale"),
        None if bias is None else float_constant(bias, "bias"),
        node.attributes.get_float("epsilon", _EPSILON),
    )
