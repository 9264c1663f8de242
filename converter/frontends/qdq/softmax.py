"""DequantizeLinear -> Softmax -> QuantizeLinear => QSoftmax"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qdq.masked_softmax import masked_softmax
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.softmax.softmax import make_softmax
from qudnn.converter.qdq.linear import dequantizes


def softmax(node: ir.Node, facts: Facts) -> Candidate:
    if not dequantizes(required_input(node, 0).producer()):
        return masked_softmax(node, facts)
    x = read_operand(node, 0, facts)
    y = read_result(node).unclamped()
    axis = node.attributes.get_int("axis", -1)
    arithmetic = y.arithmetic([x])
    candidate = make_softmax((node, *y.covers), x.quantized, y.quantized, axis, arithmetic, facts)
    return replace(candidate, note=y.note([x]))
