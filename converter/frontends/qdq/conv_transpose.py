"""DequantizeLinear -> ConvTranspose -> (Relu or Clip) -> QuantizeLinear => QConv, QDepthToSpace"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import read_bias
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qdq.weights import read_weights
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.conv_transpose import make_conv_transpose
from qudnn.converter.lowering.matmul_result import Requantized
from qudnn.converter.lowering.weights import Filters


def conv_transpose(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, bias (optional)."""
    x = read_operand(node, 0, facts)
    w = read_weights(required_input(node, 1), output_axis=1)
    group = node.attributes.get_int("group", 1)
    y = read_result(node)
    shape = facts.ranked(x.value, 4)
    if node.attributes.get_string("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Refusal("auto_pad is not supported")
    if "output_shape" in node.attributes:
        raise Refusal("output_shape is not supported")
    height, width = node.attributes.get_ints("output_padding", [0, 0])
    candidate = make_conv_transpose(
        (node, *y.covers),
        x.quantized,
        shape,
        Filters(w, read_geometry(node, w.values.shape[2:], shape), group),
        (height, width),
        read_bias(node_input(node, 2), x.quantization.scale, w.scales, w.values.shape[1] * group),
        Requantized(y.value, y.quantization, y.clamp),
    )
    return replace(candidate, note=IN_FLOAT)
