"""DequantizeLinear (2) -> Gemm -> (Relu or Clip -> QuantizeLinear) => QMatMul, QBatchMatMul"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import bias_note, read_bias
from qudnn.converter.frontends.qdq.factor import read_factor
from qudnn.converter.frontends.qdq.float_result import LAST_BITS, float_note
from qudnn.converter.frontends.qdq.operand import Operand, parameter_ranks
from qudnn.converter.frontends.qdq.result import IN_FLOAT, Result, read_result
from qudnn.converter.frontends.qdq.weights import weights_note
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.sizes import Size, unknown
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.matmul_result import InFloat, Requantized
from qudnn.converter.qdq.linear import dequantizes, float_constant


def gemm(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, c (optional)."""
    alpha, beta = (node.attributes.get_float(name, 1.0) for name in ("alpha", "beta"))
    c = node_input(node, 2)
    if c is not None and (alpha, beta) != (1.0, 1.0):
        raise Refusal(f"it has a bias together with alpha {alpha} and beta {beta}, not 1 and 1")
    trans_a, trans_b = (node.attributes.get_int(name, 0) for name in ("transA", "transB"))
    any_matrix = unknown(f"{node.name} rows"), unknown(f"{node.name} columns")
    a, a_operands = read_factor(node, 0, -2 if trans_a else -1, facts, "left input", any_matrix)
    b, b_operands = read_factor(node, 1, -1 if trans_b else -2, facts, "right input", any_matrix)
    if a.rank != 2 or b.rank != 2:
        raise Refusal(f"its inputs have {a.rank} and {b.rank} dimensions, not 2")
    y = _result(node)
    outputs = b.shape[b.free]
    stays = (
        _stays_in_float(node)
        or _is_mixed(a_operands, b, b_operands)
        or weights_note(required_input(node, 1))
        or bias_note(c, a.scales[0], b.scales)
    )
    if y is not None:
        in_units = read_bias(c, a.scales[0], b.scales, outputs, is_gemm=True)
        to = Requantized(y.value, y.quantization, y.clamp)
        candidate = choose_matmul((node, *y.covers), a, b, to, facts, in_units, alpha)
        return replace(candidate, note=y.note(a_operands) or (f"{stays}{IN_FLOAT}" if stays else ""))
    in_float = [operand for operand in a_operands if operand.in_float]  # its type does not matter otherwise
    note = f"{stays}{LAST_BITS}" if stays else float_note(node, in_float)
    addend = _addend(c, outputs)
    if addend is not None:
        candidate = choose_matmul((node,), a, b, InFloat(node.outputs[0], addend), facts)
        return replace(candidate, note=note or LAST_BITS)
    in_units = read_bias(c, a.scales[0], b.scales, outputs, is_gemm=True)
    return replace(choose_matmul((node,), a, b, InFloat(node.outputs[0]), facts, in_units, alpha), note=note)


def _is_mixed(a: Sequence[Operand], b: Factor, b_operands: Sequence[Operand]) -> str:
    """As _stays_in_float: with an int8 a, onnxruntime's QGemm takes only an int8 b.

    (onnxruntime 1.30, qdq_selectors.cc, GemmNodeGroupSelector.)
    """
    b_is_int8 = all(operand.is_int8 for operand in b_operands) if b_operands else b.dtype == ir.DataType.INT8
    if any(operand.is_int8 for operand in a) and not b_is_int8:
        return "its left input stays int8 in onnxruntime, its right one does not, so "
    return ""


def _stays_in_float(node: ir.Node) -> str:
    """Why onnxruntime 1.31 makes no QGemm of it, as a note begins; empty if it does.

    Its QGemm needs all zero points, and scale and zero point of b in one shape (qdq_selectors.cc,
    GemmNodeGroupSelector).
    """
    for index, what in enumerate(("left", "right")):
        dequantize = required_input(node, index).producer()
        if dequantize is None or node_input(dequantize, 2) is None:
            return f"its {what} input has no zero point, so "
    ranks = parameter_ranks(required_input(node, 1))
    if len(set(ranks)) > 1:
        return f"its right input's scale and zero point have {ranks[0]} and {ranks[1]} dimensions, so "
    return ""


def _result(node: ir.Node) -> Result | None:
    try:
        return read_result(node)
    except Refusal:
        return None


def _addend(c: ir.Value | None, outputs: Size) -> Float32Array | None:
    """The float32 constant c, or one of 8 bits.

    With a float result, onnxruntime makes no int32 of it (WeightBiasQuantization, 1.30).
    """
    array = None if c is None else constant_or_none(c)
    dequantize = None if c is None else c.producer()
    if c is not None and dequantize is not None and dequantizes(dequantize):
        source = constant_or_none(required_input(dequantize, 0))
        if source is not None and source.dtype in (np.int8, np.uint8):
            array = float_constant(c, "bias")
    if array is None:
        return None
    if array.dtype != np.float32 or array.shape not in ((1,), (outputs,), (1, outputs)):
        raise Refusal(f"its bias is {array.dtype} {list(array.shape)}, not float32 [{outputs}]")
    return array.reshape(-1)
