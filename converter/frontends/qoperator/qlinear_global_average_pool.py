"""com.microsoft QLinearGlobalAveragePool -> QGlobalAveragePool"""

import onnx_ir as ir

from converter.candidate import Candidate, Port
from converter.constants import node_input, quantization, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.layout import Layout


def qlinear_global_average_pool(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, x_scale, x_zero_point, y_scale, y_zero_point."""
    x, y = required_input(node, 0), node.outputs[0]
    if node.attributes.get_int("channels_last", 0):
        raise Refusal("channels_last is not supported")
    x_quantization = quantization(node_input(node, 1), node_input(node, 2), facts.dtype(x), "input")
    y_quantization = quantization(node_input(node, 3), node_input(node, 4), x_quantization.dtype, "output")
    if x_quantization.dtype != y_quantization.dtype:
        raise Refusal("its input and its output are not of one type")
    shape = facts.ranked(x, 4)
    channels = shape[1]
    if not isinstance(channels, int):
        raise Refusal("its number of channels is unknown")
    layout = Layout(4, 1, channels)
    return Candidate(
        (node,),
        "QGlobalAveragePool",
        inputs=(Port(x, layout, x_quantization.dtype),),
        output=Port(y, layout, y_quantization.dtype),
        shape=(shape[0], channels, 1, 1),
        attributes={
            "x_scale": float(x_quantization.scale),
            "x_zero_point": x_quantization.island_zero_point,
            "y_scale": float(y_quantization.scale),
            "y_zero_point": y_quantization.island_zero_point,
        },
    )
