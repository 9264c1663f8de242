"""DequantizeLinear -> Softmax -> QuantizeLinear -> QSoftmax"""

from dataclasses import replace

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import required_input
from converter.facts import Facts
from converter.frontends.qdq.masked_softmax import masked_softmax
from converter.frontends.qdq.operand import operand
from converter.frontends.qdq.result import result
from converter.linear import dequantizes
from converter.ops import softmax as op


def softmax(node: ir.Node, facts: Facts) -> Candidate:
    if not dequantizes(required_input(node, 0).producer()):
        return masked_softmax(node, facts)
    x = operand(node, 0, facts)
    y = result(node).unclamped()
    axis = node.attributes.get_int("axis", -1)
    arithmetic = y.arithmetic([x])
    candidate = op.softmax((node, *y.covers), x.quantized, y.quantized, axis, arithmetic, facts)
    return replace(candidate, note=y.note([x]))
