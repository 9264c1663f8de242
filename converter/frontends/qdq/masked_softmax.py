"""DequantizeLinear -> (Mul or Div) -> (Add of a mask) -> Softmax -> QuantizeLinear => QMaskedSoftmax

Attention whose mask is left in floating point, for it holds numbers that no 8 bits hold beside scores.
"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.softmax.masked_softmax import Scores, make_masked_softmax
from qudnn.converter.qdq.linear import dequantizes, float_constant

NOTE = "it is computed in float32: results on a GPU may differ by one quantum"


def masked_softmax(node: ir.Node, facts: Facts) -> Candidate:
    add = _producer(node, 0)
    if is_onnx(add, "Add"):
        index = 0 if _is_scores(add, 0) else 1
        scores, nodes = _scores(add, index, facts)
        scores, nodes = scores._replace(mask=required_input(add, 1 - index)), (add, *nodes)
    else:
        scores, nodes = _scores(node, 0, facts)
    y = read_result(node).unclamped()
    axis = node.attributes.get_int("axis", -1)
    candidate = make_masked_softmax((node, *nodes, *y.covers), scores, y.quantized, axis, facts)
    return replace(candidate, note=NOTE)


def _producer(node: ir.Node, index: int) -> ir.Node | None:
    return required_input(node, index).producer()


def _is_scores(add: ir.Node, index: int) -> bool:
    """Whether the input comes, over a factor perhaps, from a DequantizeLinear."""
    producer = _producer(add, index)
    while is_onnx(producer, "Mul", "Div"):
        producer = _producer(producer, 0)
    return dequantizes(producer)


def _scores(consumer: ir.Node, index: int, facts: Facts) -> tuple[Scores, tuple[ir.Node, ...]]:
    """The input of the node: at most one Mul and then one Div; and these."""
    node = _producer(consumer, index)
    if not is_onnx(node, "Mul", "Div"):
        return Scores(read_operand(consumer, index, facts).quantized), ()
    inner, nodes = _scores(node, 0, facts)
    number = float_constant(required_input(node, 1), "scale")
    if number.dtype != np.float32 or number.size != 1 or not number.reshape(-1)[0] > 0:
        raise Refusal("its scores are not scaled by one positive number")
    if inner.divisor != 1 or (is_onnx(node, "Mul") and inner.factor != 1):
        raise Refusal("its scores are scaled several times")
    scale = float(number.reshape(-1)[0])
    scaled = inner._replace(factor=scale) if is_onnx(node, "Mul") else inner._replace(divisor=scale)
    return scaled, (node, *nodes)
