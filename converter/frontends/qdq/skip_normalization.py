"""DequantizeLinear (2) -> com.microsoft SkipLayerNormalization -> QuantizeLinear

=> AddLayerNormalizationToIsland; of SkipSimplifiedLayerNormalization AddRMSNormalizationToIsland
"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.norm.add_normalization import (
    Sum,
    make_add_mean_square_normalization,
    make_add_normalization,
)
from qudnn.converter.qdq.linear import float_constant

_MIN_OPSET = 17  # of LayerNormalization, which the function's body is written in
_EPSILON = 1e-12  # by default
_SUM = 3  # the output


def skip_layer_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, skip, gamma, and as options beta and bias."""
    total = _read_sum(node, facts)
    if facts.opsets.get("", 0) < _MIN_OPSET:
        raise Refusal(f"the model's opset is older than {_MIN_OPSET}")
    bias, gamma, beta = _row(node, 4, "bias"), _gamma(node), _row(node, 3, "beta")
    candidate = make_add_normalization(total, bias, gamma, beta, _epsilon(node), facts)
    return replace(candidate, note=IN_FLOAT)


def skip_mean_square_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, skip, gamma, and as an option bias."""
    total, bias = _read_sum(node, facts), _row(node, 3, "bias")
    return make_add_mean_square_normalization(total, bias, _gamma(node), _epsilon(node), facts)


def _read_sum(node: ir.Node, facts: Facts) -> Sum:
    x, skip = read_operand(node, 0, facts), read_operand(node, 1, facts)
    y = read_result(node).unclamped()
    if any(map(is_needed, node.outputs[1:_SUM])):
        raise Refusal("its outputs for mean and deviation are used")
    value = node.outputs[_SUM] if len(node.outputs) > _SUM else None
    return Sum((node, *y.covers), x.quantized, skip.quantized, y.quantized, value)


def _epsilon(node: ir.Node) -> float:
    return node.attributes.get_float("epsilon", _EPSILON)


def _gamma(node: ir.Node) -> Float32Array:
    return float_constant(required_input(node, 2), "gamma")


def _row(node: ir.Node, index: int, what: str) -> Float32Array | None:
    value = node_input(node, index)
    return None if value is None else float_constant(value, what)
