"""com.microsoft QLinearWhere => QTable where scales differ, then QWhere"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.common import read_input, read_output
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.where import make_where


def qlinear_where(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: condition, x, x_scale, x_zero_point, y, y_scale, y_zero_point, z_scale, z_zero_point."""
    x = read_input(node, 1, facts, "first input")
    y = read_input(node, 4, facts, "second input")
    z = read_output(node, 7, x.quantization.dtype)
    return make_where((node,), required_input(node, 0), x, y, z, facts)
