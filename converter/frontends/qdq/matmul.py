"""DequantizeLinear (2) -> MatMul -> (Add of a bias) -> (QuantizeLinear) => QMatMul, QBatchMatMul"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.bias import read_bias
from qudnn.converter.frontends.qdq.factor import read_factor
from qudnn.converter.frontends.qdq.float_result import LAST_BITS, float_note
from qudnn.converter.frontends.qdq.operand import Operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qdq.weights import weights_note
from qudnn.converter.frontends.qoperator.matmul_integer_to_float import SCALES_APART
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.matmul_result import InFloat, Requantized
from qudnn.converter.qdq.linear import dequantizes, float_constant
from qudnn.converter.qdq.moves import moves


def matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b. If its result is not quantized, it stays in float32.

    onnxruntime makes a MatMulIntegerToFloat of it then (onnxruntime 1.30, qdq_actions.cc,
    MatMulReplaceWithQLinear).
    """
    a, a_operands = read_factor(node, 0, -1, facts, "left input")
    b, _ = read_factor(node, 1, -2, facts, "right input")
    matched = _MatMul(node, a, b, a_operands)
    try:
        return _quantized(matched, facts)
    except Refusal:
        return _in_float(matched, facts)


class _MatMul(NamedTuple):
    """operands: those whose type decides whether onnxruntime computes in integers; any b does for it."""

    node: ir.Node
    a: Factor
    b: Factor
    operands: list[Operand]

    def is_gemm_with(self, added: int) -> bool:
        """Whether onnxruntime fuses the MatMul and an Add of so many elements into a Gemm.

        (onnxruntime 1.30, matmul_add_fusion.cc, MatMulAddFusion: what is no matrix it reshapes to one, if its
        sizes are known.)
        """
        is_vector = added > 1 or added == self.b.shape[self.b.free]
        static = all(isinstance(size, int) for size in self.a.shape)
        return is_vector and self.b.rank == 2 and (self.a.rank == 2 or static)


def _quantized(of: _MatMul, facts: Facts) -> Candidate:
    added = _bias_after(of.node)
    last, c = (of.node, None) if added is None else added
    y = read_result(last)
    if c is not None and of.b.rank == 1:
        raise Refusal("it is a matrix-vector product with a bias")
    outputs = of.b.shape[of.b.free] if of.b.rank > 1 else 1
    in_units = read_bias(c, of.a.scales[0], of.b.scales, outputs)
    candidate = choose_matmul(
        (of.node, *([] if last is of.node else [last]), *y.covers),
        of.a,
        of.b,
        Requantized(y.value, y.quantization, y.clamp),
        facts,
        in_units,
    )
    note = y.sums_note(of.operands) or _weights_note(of.node, IN_FLOAT)
    if in_units is not None and not of.is_gemm_with(in_units.size):
        note = note or f"it is no Gemm where sizes are not fixed, so {IN_FLOAT}"
    return replace(candidate, note=note)


def _in_float(of: _MatMul, facts: Facts) -> Candidate:
    if of.b.scales.size > 1 and of.b.rank != 2:  # of a MatMulIntegerToFloat
        raise Refusal(SCALES_APART)
    note = float_note(of.node, of.operands) or _weights_note(of.node, LAST_BITS)
    addend = _addend_after(of)
    if addend is None:
        candidate = choose_matmul((of.node,), of.a, of.b, InFloat(of.node.outputs[0]), facts)
        return replace(candidate, note=note)
    add, array = addend
    result = InFloat(add.outputs[0], array.reshape(-1))
    if not all(_leaves_sum(use.node) for use in add.outputs[0].uses()):
        note = note or f"together with what follows the Add it is a BiasGelu, perhaps: {LAST_BITS}"
    if of.is_gemm_with(array.size):
        note = note or f"together with the Add it is a Gemm: {LAST_BITS}"
    return replace(choose_matmul((of.node, add), of.a, of.b, result, facts), note=note)


def _weights_note(node: ir.Node, what: str) -> str:
    why = next(filter(None, (weights_note(required_input(node, index)) for index in (0, 1))), "")
    return f"{why}{what}" if why else ""


def _added(node: ir.Node) -> tuple[ir.Node, ir.Value] | None:
    """The Add that is the matmul's sole consumer, and its other operand."""
    y = node.outputs[0]
    consumers = [use.node for use in y.uses()]
    if len(consumers) != 1 or y.is_graph_output() or not is_onnx(consumers[0], "Add"):
        return None
    others = [value for value in consumers[0].inputs if value is not None and value is not y]
    return (consumers[0], others[0]) if len(others) == 1 and consumers[0].graph is node.graph else None


def _bias_after(node: ir.Node) -> tuple[ir.Node, ir.Value] | None:
    """The Add of a vector after the MatMul, and the vector: together they are a Gemm."""
    found = _added(node)
    if found is None:
        return None
    producer = found[1].producer()
    if producer is not None and dequantizes(producer):
        source = constant_or_none(required_input(producer, 0))
        return found if source is not None and source.dtype == np.int32 else None
    array = constant_or_none(found[1])
    return found if array is not None and array.ndim == 1 else None


def _leaves_sum(consumer: ir.Node) -> bool:
    """Whether onnxruntime makes no operator of it and of an Add before it (1.30, bias_gelu_fusion.cc)."""
    return moves(consumer) or has_trait(consumer, Trait.LEAVES_SUMS)


def _addend_after(of: _MatMul) -> tuple[ir.Node, Float32Array] | None:
    """The Add after the matmul of one number, or of one for each column, and the numbers."""
    found = _added(of.node)
    if found is None or of.a.rank == 1 or of.b.rank == 1:
        return None
    try:
        array = float_constant(found[1], "bias")
    except Refusal:
        return None
    # Of two sums onnxruntime makes one that adds up in another order (1.30, skip_layer_norm_fusion.cc).
    if array.dtype != np.float32 or any(is_onnx(use.node, "Add") for use in found[0].outputs[0].uses()):
        return None
    columns = of.b.shape[of.b.free]
    along = array.size == 1 or (array.shape[-1] == array.size and columns == array.size)
    return (found[0], array) if along and array.ndim <= max(of.a.rank, of.b.rank) else None
