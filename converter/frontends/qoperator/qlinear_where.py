"""com.microsoft QLinearWhere => QTable where scales differ, then QWhere"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.common import quantized_input, quantized_output
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.where import where


def qlinear_where(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: condition, x, x_scale, x_zero_point, y, y_scale, y_zero_point, z_scale, z_zero_point."""
    x = quantized_input(node, 1, facts, "first input")
    y = quantized_input(node, 4, facts, "second input")
    z = quantized_output(node, 7, x.quantization.dtype)
    return where((node,), required_input(node, 0), x, y, z, facts)
