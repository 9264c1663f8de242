"""DequantizeLinear (2) -> Where -> QuantizeLinear => QTable where scales differ, then QWhere"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.frontends.qdq.unary import unary
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.where import make_where
from qudnn.converter.qdq.linear import dequantizes


def where(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: condition, x, y. Exact in any arithmetic: each value changes its scale by itself."""
    try:
        return unary(node, facts)  # where the condition depends on nothing but x or y
    except Refusal:
        if not all(dequantizes(required_input(node, index).producer()) for index in (1, 2)):
            raise
    x, y = read_operand(node, 1, facts), read_operand(node, 2, facts)
    z = read_result(node).unclamped()
    condition = required_input(node, 0)
    return make_where((node, *z.covers), condition, x.quantized, y.quantized, z.quantized, facts)
