"""DequantizeLinear -> Gemm -> (Relu or Clip) -> QuantizeLinear -> QMatMul"""

from dataclasses import replace

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import node_input, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qdq.bias import bias
from converter.frontends.qdq.operand import operand
from converter.frontends.qdq.result import result
from converter.frontends.qdq.weights import weights
from converter.ops import matmul as op


def gemm(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, c (optional)."""
    a = operand(node, 0, facts)
    if node.attributes.get_int("transA", 0):
        raise Refusal("transA is not supported")
    alpha, beta = (node.attributes.get_float(name, 1.0) for name in ("alpha", "beta"))
    c = node_input(node, 2)
    if c is not None and (alpha, beta) != (1.0, 1.0):
        raise Refusal(f"it has a bias together with alpha {alpha} and beta {beta}, not 1 and 1")
    transposed = bool(node.attributes.get_int("transB", 0))
    b = weights(required_input(node, 1), output_axis=0 if transposed else -1)
    if b.values.ndim != 2:
        raise Refusal(f"its weights have {b.values.ndim} dimensions, not 2")
    weight = b.values.T if transposed else b.values
    y = result(node)
    candidate = op.matmul(
        (node, *y.covers),
        a.value,
        a.quantization,
        weight,
        b.scales,
        b.zero_points,
        bias(c, a.quantization, b.scales, weight.shape[1]),
        y.value,
        y.quantization,
        facts.shape_of_rank(a.value, 2),
        alpha=alpha,
        clamp=y.clamp,
    )
    return replace(candidate, note=y.note([a]))
