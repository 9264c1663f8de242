"""DequantizeLinear (2) -> Add or Mul -> QuantizeLinear => QAdd, QMul, QFloatAdd or QFloatMul

With elementwise operators before the Add or Mul, or a scale for each channel of the result, and of a Sub,
Sum, Div, Max or Min: those of tables.
"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.channels import is_divided
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.frontends.qdq.table_binary import table_binary, two_functions
from qudnn.converter.frontends.qdq.unary import unary
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.binary import Function, make_binary
from qudnn.converter.qdq.linear import dequantizes


def binary(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b."""
    try:
        return unary(node, facts)  # of one tensor, such as x * sigmoid(x)
    except Refusal:
        dequantized = all(dequantizes(required_input(node, index).producer()) for index in (0, 1))
        if not dequantized or not is_onnx(node, "Add", "Mul") or is_divided(node):
            found = two_functions(node, facts)
            if found is None:
                raise
            return table_binary(node, found, facts)
    a, b = read_operand(node, 0, facts), read_operand(node, 1, facts)
    y = read_result(node)
    return make_binary(
        Function.ADD if is_onnx(node, "Add") else Function.MUL,
        (node, *y.covers),
        (a.quantized, b.quantized),
        y.quantized,
        y.arithmetic([a, b]),
        facts,
        y.clamp,
    )
