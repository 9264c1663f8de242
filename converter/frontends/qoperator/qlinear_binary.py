"""com.microsoft QLinearAdd, QLinearMul => QAdd, QMul"""

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.common import read_input, read_output
from qudnn.converter.graph.op_traits import is_contrib
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.binary import Function, make_binary


def qlinear_binary(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point."""
    a = read_input(node, 0, facts, "first input")
    b = read_input(node, 3, facts, "second input")
    y = read_output(node, 6, a.quantization.dtype)
    function = Function.ADD if is_contrib(node, "QLinearAdd") else Function.MUL
    return make_binary(function, (node,), (a, b), y, Arithmetic(a.quantization.dtype), facts)
