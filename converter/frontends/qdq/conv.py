"""(Pad ->) DequantizeLinear -> Conv -> (Relu or Clip) -> QuantizeLinear => QConv or QConv3D"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import bias_note, read_bias
from qudnn.converter.frontends.qdq.channels import PER_CHANNEL, channel_operand, scaled
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qdq.weights import four_bit_note, read_weights
from qudnn.converter.frontends.qoperator.pad import read_padding_before
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.conv import make_conv


def conv(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, w, bias (optional)."""
    x, factors = channel_operand(node, facts)
    group = node.attributes.get_int("group", 1)
    w = scaled(read_weights(required_input(node, 1), output_axis=0), factors, group)
    y = read_result(node)
    kernel = w.values.shape[2:]
    if tuple(node.attributes.get_ints("kernel_shape", kernel)) != kernel:
        raise Refusal("its kernel_shape is not that of its weights")
    shape = facts.shape_of_rank(x.value, w.values.ndim)
    window = read_geometry(node, kernel, shape, most=3)
    covers, source = (node, *y.covers), x.value
    padding = read_padding_before(x.value, x.quantization, facts)
    if padding is not None:
        pad, source, more = padding
        covers, shape = (node, pad, *y.covers), facts.ranked(source)
        window = window.padded(more)
    candidate = make_conv(
        covers,
        source,
        x.quantization,
        w.values,
        w.scales,
        w.zero_points,
        read_bias(node_input(node, 2), x.quantization.scale, w.scales, w.values.shape[0]),
        y.value,
        y.quantization,
        window,
        group,
        shape,
        clamp=y.clamp,
    )
    in_float = (
        bias_note(node_input(node, 2), x.quantization.scale, w.scales)
        or four_bit_note(required_input(node, 1))
        or (PER_CHANNEL if factors is not None else "")
    )
    return replace(candidate, note=y.sums_note([x]) or (f"{in_float}{IN_FLOAT}" if in_float else ""))
