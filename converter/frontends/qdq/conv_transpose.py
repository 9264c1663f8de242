"""DequantizeLinear -> ConvTranspose -> (Relu or Clip) -> QuantizeLinear => QConv or QConv3D, interleaved"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.transposed_geometry import read_transposed_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import read_bias
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qdq.weights import find_dequantize, read_weights
from qudnn.converter.graph.constants import node_input, required_input, scales
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.conv.conv_transpose import make_conv_transpose
from qudnn.converter.lowering.matmul_result import Requantized
from qudnn.converter.lowering.weights import Filters, Weights


def conv_transpose(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, bias (optional)."""
    x = read_operand(node, 0, facts)
    group = node.attributes.get_int("group", 1)
    w = _weights(required_input(node, 1), group)
    y = read_result(node)
    shape = facts.ranked(x.value, w.values.ndim)
    window, output_padding = read_transposed_geometry(node, w.values.shape[2:], shape)
    candidate = make_conv_transpose(
        (node, *y.covers),
        x.quantized,
        shape,
        Filters(w, window, group),
        output_padding,
        read_bias(node_input(node, 2), x.quantization.scale, w.scales, w.values.shape[1] * group),
        Requantized(y.value, y.quantization, y.clamp),
    )
    return replace(candidate, note=IN_FLOAT)


def _weights(value: ir.Value, group: int) -> Weights:
    """`[C, K/group, kernel...]`, with `[1]` or `[K]` scales and zero points.

    Quantized along axis 1 the outputs of all groups share theirs; along axis 0, each group has one input.
    """
    _, dequantize = find_dequantize(value)
    along_inputs = (
        dequantize is not None
        and scales(node_input(dequantize, 1), "weight scale").size > 1
        and dequantize.attributes.get_int("axis", 1) == 0
    )
    w = read_weights(value, output_axis=0 if along_inputs else 1)
    if w.values.ndim < 3:
        raise Refusal(f"its weights have {w.values.ndim} dimensions")
    if group < 1 or w.values.shape[0] % group:
        raise Refusal(f"its {w.values.shape[0]} input channels are not divisible by {group} groups")
    inputs, outputs = w.values.shape[0] // group, w.values.shape[1]
    if along_inputs and inputs > 1:
        raise Refusal("its weights are quantized along axis 0, which is not that of the outputs")
    vectors = [
        vector if vector.size == 1 else np.repeat(vector, outputs) if along_inputs else np.tile(vector, group)
        for vector in (w.scales, w.zero_points)
    ]
    return Weights(w.values, *vectors)
