"""DequantizeLinear -> Resize (linear) -> QuantizeLinear -> QResize"""

from dataclasses import replace

import onnx_ir as ir

from converter.candidate import Candidate
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qdq.operand import operand
from converter.frontends.qdq.result import IN_FLOAT, result
from converter.frontends.qoperator.resize import resize_of


def resize(node: ir.Node, facts: Facts) -> Candidate:
    """That of mode nearest only moves values: there is no pair left around it that could be dropped."""
    x = operand(node, 0, facts)
    y = result(node).unclamped()
    if x.quantization != y.quantization:
        raise Refusal("its result has another scale or zero point than its input")
    candidate = resize_of(node, (node, *y.covers), x.value, y.value, x.quantization.dtype, facts)
    return replace(candidate, note=IN_FLOAT)
