"""QLinearConv -> QConv"""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import constant, node_input, quantization, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qoperator.weights import weights
from converter.geometry import geometry
from converter.ops.conv import conv


def qlinear_conv(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, bias (optional)."""
    x, y = required_input(node, 0), node.outputs[0]
    x_quantization = quantization(node_input(node, 1), node_input(node, 2), facts.dtype(x), "input")
    w = weights(node_input(node, 3), node_input(node, 4), node_input(node, 5), output_axis=0)
    y_quantization = quantization(node_input(node, 6), node_input(node, 7), facts.dtype(y), "output")
    bias = node_input(node, 8)
    kernel = w.values.shape[2:]
    if tuple(node.attributes.get_ints("kernel_shape", kernel)) != kernel:
        raise Refusal("its kernel_shape is not that of its weights")
    shape = facts.shape_of_rank(x, w.values.ndim)
    return conv(
        (node,),
        x,
        x_quantization,
        w.values,
        w.scales,
        w.zero_points,
        None if bias is None else constant(bias, "bias"),
        y,
        y_quantization,
        geometry(node, kernel, shape),
        node.attributes.get_int("group", 1),
        shape,
    )
