"""DequantizeLinear (2) -> Add or Mul -> QuantizeLinear => QAdd, QMul, QFloatAdd or QFloatMul"""

from collections.abc import Callable

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import operand
from qudnn.converter.frontends.qdq.result import result
from qudnn.converter.frontends.qdq.unary import unary
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering import binary
from qudnn.converter.qdq.linear import dequantizes

Builder = Callable[
    [tuple[ir.Node, ...], Quantized, Quantized, Quantized, Arithmetic, Facts, tuple[int, int]], Candidate
]


def add(node: ir.Node, facts: Facts) -> Candidate:
    return _binary(binary.add, node, facts)


def mul(node: ir.Node, facts: Facts) -> Candidate:
    return _binary(binary.mul, node, facts)


def _binary(build: Builder, node: ir.Node, facts: Facts) -> Candidate:
    try:
        return unary(node, facts)  # of one tensor, such as x * sigmoid(x)
    except Refusal:
        if not all(dequantizes(required_input(node, index).producer()) for index in (0, 1)):
            raise
    a, b = operand(node, 0, facts), operand(node, 1, facts)
    y = result(node)
    covers = (node, *y.covers)
    return build(covers, a.quantized, b.quantized, y.quantized, y.arithmetic([a, b]), facts, y.clamp)
