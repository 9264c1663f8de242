"""The op for a matmul: QMatMul with a constant matrix on the right, else QBatchMatMul."""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Int8Array, Int32Array, centered
from qudnn.converter.lowering.gemm.batch_matmul import make_batch_matmul
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.gemm.matmul import make_matmul
from qudnn.converter.lowering.matmul_result import MatMulResult, Sums


def choose_matmul(
    covers: tuple[ir.Node, ...],
    a: Factor,
    b: Factor,
    result: MatMulResult,
    facts: Facts,
    bias: Int32Array | None = None,
    alpha: float = 1.0,
) -> Candidate:
    """The candidate for `alpha * a * b + bias`; bias: int32 `[N]`, in units of alpha times their scales."""
    if a.array is not None and b.array is not None:
        raise Refusal("both of its inputs are constant")
    if isinstance(a.depth, int) and isinstance(b.depth, int) and a.depth != b.depth:
        raise Refusal(f"its inputs do not match: {a.depth} columns and {b.depth} rows")
    a, b = a.with_depth(b.depth), b.with_depth(a.depth)
    if b.array is None or b.rank != 2 or not a.is_per_tensor or isinstance(result, Sums):
        return make_batch_matmul(covers, a, b, bias, alpha, result, facts)
    weight = _weight(b)
    if weight is None:
        return make_batch_matmul(covers, a, b, bias, alpha, result, facts)
    if bias is None:
        bias = np.zeros(weight.shape[1], np.int32)
    return make_matmul(covers, a, b, weight, bias, alpha, result)


def _weight(b: Factor) -> Int8Array | None:
    """The constant matrix `[K, N]` less its zero points; None where that goes beyond int8."""
    assert b.array is not None
    array = b.array if b.contracted == 0 else b.array.T
    try:
        return centered(array, b.zero_points)
    except Refusal:
        return None
