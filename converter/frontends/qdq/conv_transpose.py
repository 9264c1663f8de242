"""DequantizeLinear -> ConvTranspose -> (Relu or Clip) -> QuantizeLinear => QConv, QDepthToSpace"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import bias
from qudnn.converter.frontends.qdq.operand import operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, result
from qudnn.converter.frontends.qdq.weights import weights
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering import conv_transpose as op


def conv_transpose(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, bias (optional)."""
    x = operand(node, 0, facts)
    w = weights(required_input(node, 1), output_axis=1)
    group = node.attributes.get_int("group", 1)
    y = result(node)
    shape = facts.ranked(x.value, 4)
    if node.attributes.get_string("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Refusal("auto_pad is not supported")
    if "output_shape" in node.attributes:
        raise Refusal("output_shape is not supported")
    height, width = node.attributes.get_ints("output_padding", [0, 0])
    candidate = op.conv_transpose(
        (node, *y.covers),
        x.quantized,
        w.values,
        w.scales,
        w.zero_points,
        bias(node_input(node, 2), x.quantization.scale, w.scales, w.values.shape[1] * group),
        y.quantized,
        geometry(node, w.values.shape[2:], shape),
        (height, width),
        group,
        shape,
        y.clamp,
    )
    return replace(candidate, note=IN_FLOAT)
