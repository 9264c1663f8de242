"""An operand of a float matmul, dequantized from 8 bits: computed, or weights."""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qdq.operand import Operand, read_operand
from qudnn.converter.frontends.qdq.weights import find_dequantize, read_weights
from qudnn.converter.frontends.qoperator.factor import factor_of
from qudnn.converter.graph.constants import Quantization, constant_or_none, required_input
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.lowering.gemm.factor import Factor, make_factor


def read_factor(
    node: ir.Node, index: int, contracted: int, facts: Facts, what: str, shape: Shape | None = None
) -> tuple[Factor, list[Operand]]:
    """Input `index` of the node, and what it is dequantized from where that decides how it is computed.

    onnxruntime has no integer form for an int8 left input, constant or not, and takes a constant of either
    type on the right (onnxruntime 1.30, qdq_selectors.cc, MatMulNodeGroupSelector).
    contracted: the axis that is summed over, one of the last two, from the end. shape: if no fact tells it.
    """
    value = required_input(node, index)
    _, source = find_dequantize(value)
    if source is None or constant_or_none(required_input(source, 0)) is None:
        computed = read_operand(node, index, facts)
        scale, zero_point, dtype = (
            computed.quantization.scale,
            computed.quantization.zero_point,
            computed.quantization.dtype,
        )
        shape = facts.shape(computed.value) or shape
        made = factor_of(
            computed.value,
            scale.reshape(1),
            dtype.numpy().type([zero_point]),
            contracted,
            facts,
            what,
            shape,
        )
        return made, [computed]
    w = read_weights(value, output_axis=-3 - contracted)
    dtype = ir.DataType.from_numpy(w.values.dtype)
    made = make_factor(value, w.values, w.values.shape, dtype, contracted, w.scales, w.zero_points)
    if index:
        return made, []
    constant = Quantization(w.scales[0], int(w.zero_points[0]), dtype)
    return made, [Operand(value, constant, dtype == ir.DataType.INT8)]
