"""DequantizeLinear (2) -> com.microsoft FusedMatMul -> (QuantizeLinear) => QMatMul, QBatchMatMul"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.factor import read_factor
from qudnn.converter.frontends.qdq.float_result import LAST_BITS
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.matmul_result import InFloat, Requantized


def fused_matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b. `alpha * a * b`, of which onnxruntime's optimizer took the transpositions and the factor.

    It has no integer form of it (CreateSelectorActionRegistry, qdq_selector_action_transformer.cc, 1.31).
    """
    if any(node.attributes.get_int(name, 0) for name in ("transBatchA", "transBatchB")):
        raise Refusal("it transposes its batch")
    trans_a, trans_b = (bool(node.attributes.get_int(name, 0)) for name in ("transA", "transB"))
    a, _ = read_factor(node, 0, -2 if trans_a else -1, facts, "left input")
    b, _ = read_factor(node, 1, -1 if trans_b else -2, facts, "right input")
    if min(a.rank, b.rank) < 2:
        raise Refusal("one of its inputs is a vector")
    alpha = node.attributes.get_float("alpha", 1.0)
    try:
        y = read_result(node)
    except Refusal:
        in_float = choose_matmul((node,), a, b, InFloat(node.outputs[0]), facts, alpha=alpha)
        return replace(in_float, note=f"it is no integer operator to onnxruntime, so {LAST_BITS}")
    result = Requantized(y.value, y.quantization, y.clamp)
    candidate = choose_matmul((node, *y.covers), a, b, result, facts, alpha=alpha)
    return replace(candidate, note=IN_FLOAT)
