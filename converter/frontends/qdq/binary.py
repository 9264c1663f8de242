"""DequantizeLinear (2) -> Add or Mul -> QuantizeLinear -> QAdd or QMul"""

from collections.abc import Callable
from dataclasses import replace

import onnx_ir as ir

from converter.candidate import Candidate, Quantized
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qdq.elementwise import elementwise, reach
from converter.frontends.qdq.operand import operand
from converter.frontends.qdq.result import result
from converter.ops import pair

Builder = Callable[[tuple[ir.Node, ...], Quantized, Quantized, Quantized, Facts], Candidate]


def add(node: ir.Node, facts: Facts) -> Candidate:
    return _binary(pair.add, node, facts)


def mul(node: ir.Node, facts: Facts) -> Candidate:
    return _binary(pair.mul, node, facts)


def _binary(build: Builder, node: ir.Node, facts: Facts) -> Candidate:
    if _is_of_one_tensor(node, facts):
        return elementwise(node, facts)
    a, b = operand(node, 0, facts), operand(node, 1, facts)
    y = result(node).unclamped()
    candidate = build((node, *y.covers), a.quantized, b.quantized, y.quantized, facts)
    return replace(candidate, note=y.note([a, b]))


def _is_of_one_tensor(node: ir.Node, facts: Facts) -> bool:
    """Whether it is a function of one quantized tensor, such as x * sigmoid(x)."""
    try:
        return len(reach(node, facts)[0]) == 1
    except Refusal:
        return False
