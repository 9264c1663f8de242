"""QLinearMatMul with a constant matrix on the right -> QMatMul"""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import node_input, quantization, required_input
from converter.facts import Facts
from converter.frontends.qoperator.weights import weights
from converter.ops.matmul import matmul


def qlinear_matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point."""
    a, y = required_input(node, 0), node.outputs[0]
    a_quantization = quantization(node_input(node, 1), node_input(node, 2), facts.dtype(a), "left input")
    b = weights(node_input(node, 3), node_input(node, 4), node_input(node, 5), output_axis=-1)
    y_quantization = quantization(node_input(node, 6), node_input(node, 7), facts.dtype(y), "output")
    return matmul(
        (node,),
        a,
        a_quantization,
        b.values,
        b.scales,
        b.zero_points,
        None,
        y,
        y_quantization,
        facts.ranked(a),
    )
