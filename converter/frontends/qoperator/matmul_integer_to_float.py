"""com.microsoft MatMulIntegerToFloat with constant scales => QMatMulToFloat, QBatchMatMulToFloat"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.factor import factor_of
from qudnn.converter.graph.constants import constant, float_vector, node_input, required_input, scale_array
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.gemm.choose_matmul import choose_matmul
from qudnn.converter.lowering.gemm.factor import Factor
from qudnn.converter.lowering.matmul_result import InFloat

SCALES_APART = "its scales differ in rank, so onnxruntime multiplies by one after the other"


def matmul_integer_to_float(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, a_scale, b_scale, and as options a_zero_point, b_zero_point, bias."""
    a = _factor(node, 0, -1, facts, "left input")
    b = _factor(node, 1, -2, facts, "right input")
    if not scales_once(node_input(node, 2), node_input(node, 3), b.shape):
        raise Refusal(SCALES_APART)
    bias = node_input(node, 6)
    if bias is None:
        return choose_matmul((node,), a, b, InFloat(node.outputs[0]), facts)
    outputs = b.shape[b.free]
    if not isinstance(outputs, int):
        raise Refusal("it has a bias, and its number of outputs is unknown")
    addend = float_vector(bias, outputs, "bias")
    return choose_matmul((node,), a, b, InFloat(node.outputs[0], addend), facts)


def scales_once(a_scale: ir.Value | None, b_scale: ir.Value | None, b_shape: Shape) -> bool:
    """Whether onnxruntime multiplies the sums by `a_scale * b_scale`, not by one after the other.

    As MatMulIntegerToFloat::Compute and MatMulIntegerBase::IsBQuantParamSupported (1.31) have it.
    """
    return constant(a_scale, "scale").shape in ((), (1,)) and is_one_factor(b_scale, b_shape)


def is_one_factor(b_scale: ir.Value | None, b_shape: Shape) -> bool:
    """The same of b's scale alone."""
    shape = constant(b_scale, "scale").shape
    if shape in ((), (1,)) or (len(shape) == 1 and len(b_shape) == 2 and shape[0] == b_shape[1]):
        return True
    return 1 < len(shape) == len(b_shape) and shape == (*b_shape[:-2], 1, b_shape[-1])


def _factor(node: ir.Node, index: int, contracted: int, facts: Facts, what: str) -> Factor:
    zero_point = node_input(node, index + 4)
    return factor_of(
        required_input(node, index),
        scale_array(node_input(node, index + 2), f"{what} scale"),
        None if zero_point is None else constant(zero_point, f"{what} zero point"),
        contracted,
        facts,
        what,
    )
