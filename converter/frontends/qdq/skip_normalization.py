"""DequantizeLinear (2) -> com.microsoft SkipLayerNormalization -> QuantizeLinear

=> AddLayerNormalizationToIsland
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
from qudnn.converter.lowering.norm.add_normalization import make_add_normalization
from qudnn.converter.qdq.linear import float_constant

_MIN_OPSET = 17  # of LayerNormalization, which the function's body is written in
_EPSILON = 1e-12  # by default
_SUM = 3  # the output


def skip_layer_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, skip, gamma, and as options beta and bias."""
    x, skip = read_operand(node, 0, facts), read_operand(node, 1, facts)
    y = read_result(node).unclamped()
    if facts.opsets.get("", 0) < _MIN_OPSET:
        raise Refusal(f"the model's opset is older than {_MIN_OPSET}")
    if any(map(is_needed, node.outputs[1:_SUM])):
        raise Refusal("its outputs for mean and deviation are used")
    total = node.outputs[_SUM] if len(node.outputs) > _SUM else None
    candidate = make_add_normalization(
        (node, *y.covers),
        x.quantized,
        skip.quantized,
        y.quantized,
        (_row(node, 4, "bias"), float_constant(required_input(node, 2), "gamma"), _row(node, 3, "beta")),
        node.attributes.get_float("epsilon", _EPSILON),
        total,
        facts,
    )
    return replace(candidate, note=IN_FLOAT)


def _row(node: ir.Node, index: int, what: str) -> Float32Array | None:
    value = node_input(node, index)
    return None if value is None else float_constant(value, what)
