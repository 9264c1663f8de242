"""DequantizeLinear -> MatMul with constant weights -> (Relu or Clip) -> QuantizeLinear -> QMatMul"""

from dataclasses import replace

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import required_input
from converter.facts import Facts
from converter.frontends.qdq.operand import operand
from converter.frontends.qdq.result import result
from converter.frontends.qdq.weights import weights
from converter.ops import matmul as op


def matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b."""
    a = operand(node, 0, facts)
    b = weights(required_input(node, 1), output_axis=-1)
    y = result(node)
    candidate = op.matmul(
        (node, *y.covers),
        a.value,
        a.quantization,
        b.values,
        b.scales,
        b.zero_points,
        None,
        y.value,
        y.quantization,
        facts.ranked(a.value),
        clamp=y.clamp,
    )
    return replace(candidate, note=y.note([a]))
