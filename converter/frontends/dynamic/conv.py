"""DynamicQuantizeLinear -> ConvInteger -> (Add) -> Cast -> Mul by the scales -> (Add) => DynamicQConv

An Add is that of a bias: in int32, or in float32.
"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.dynamic.operand import read_operand
from qudnn.converter.frontends.dynamic.scaled import read_scaled
from qudnn.converter.frontends.qoperator.conv_integer import read_filters
from qudnn.converter.graph.constants import constant, node_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.conv.dynamic_conv import make_dynamic_conv


def conv_integer(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, and as options x_zero_point, w_zero_point."""
    x = read_operand(node, 2, facts, rank=constant(node_input(node, 1), "weight").ndim)
    w = read_filters(node, x.shape)
    result = read_scaled(node.outputs[0], x.scale, len(x.shape), 1, w.outputs)
    return make_dynamic_conv(
        (node, *result.covers),
        x.value,
        x.shape,
        w._replace(weights=w.weights._replace(scales=result.scale)),
        result.addend,
        result.bias,
        result.y,
    )
