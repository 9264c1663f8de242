"""DequantizeLinear -> LayerNormalization -> QuantizeLinear => QLayerNormalization

In models of the format QOperator it stands between the two as well.
"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layer_normalization import make_layer_normalization
from qudnn.converter.qdq.linear import float_constant

_MIN_OPSET = 17  # of ONNX's operator, which the function's body is written in
_EPSILON = 1e-5  # by default


def layer_normalization(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, scale, bias (optional)."""
    x = read_operand(node, 0, facts)
    rank = len(facts.ranked(x.value))
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
    y = read_result(node).unclamped()
    return make_layer_normalization(
        (node, *y.covers),
        x.quantized,
        y.quantized,
        float_constant(required_input(node, 1), "scale"),
        None if bias is None else float_constant(bias, "bias"),
        node.attributes.get_float("epsilon", _EPSILON),
        facts,
    )
