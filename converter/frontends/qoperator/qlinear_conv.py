"""QLinearConv => QConv or QConv3D, with the Pad before it"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import read_input, read_output
from qudnn.converter.frontends.qoperator.pad import read_padding_before
from qudnn.converter.frontends.qoperator.weights import read_weights
from qudnn.converter.graph.constants import constant, node_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.conv.conv import make_conv
from qudnn.converter.lowering.matmul_result import Requantized
from qudnn.converter.lowering.weights import Filters


def qlinear_conv(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, bias (optional)."""
    x, x_quantization = read_input(node, 0, facts)
    w = read_weights(node_input(node, 3), node_input(node, 4), node_input(node, 5), output_axis=0)
    y = read_output(node, 6, facts.dtype(node.outputs[0]) or x_quantization.dtype)
    bias = node_input(node, 8)
    kernel = w.values.shape[2:]
    if tuple(node.attributes.get_ints("kernel_shape", kernel)) != kernel:
        raise Refusal("its kernel_shape is not that of its weights")
    shape = facts.shape_of_rank(x, w.values.ndim)
    window = read_geometry(node, kernel, shape, most=3)
    covers: tuple[ir.Node, ...] = (node,)
    padding = read_padding_before(x, x_quantization, facts)
    if padding is not None:
        pad, x, more = padding
        covers, shape = (pad, node), facts.ranked(x)
        window = window.padded(more)
    return make_conv(
        covers,
        Quantized(x, x_quantization),
        shape,
        Filters(w, window, node.attributes.get_int("group", 1)),
        None if bias is None else constant(bias, "bias"),
        Requantized(y.value, y.quantization),
    )
