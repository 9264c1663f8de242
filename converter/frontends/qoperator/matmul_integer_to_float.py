"""com.microsoft MatMulIntegerToFloat with constant scales -> QMatMulToFloat, QBatchMatMulToFloat"""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import constant, float_vector, node_input, required_input, scale_array
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qoperator.factor import described
from converter.ops.factor import Factor
from converter.ops.product import product
from converter.ops.product_result import InFloat


def matmul_integer_to_float(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, a_scale, b_scale, and as options a_zero_point, b_zero_point, bias."""
    a = _factor(node, 0, -1, facts, "left input")
    b = _factor(node, 1, -2, facts, "right input")
    bias = node_input(node, 6)
    if bias is None:
        return product((node,), a, b, InFloat(node.outputs[0]), facts)
    outputs = b.shape[b.free]
    if not isinstance(outputs, int):
        raise Refusal("it has a bias, and its number of outputs is unknown")
    addend = float_vector(bias, outputs, "bias")
    return product((node,), a, b, InFloat(node.outputs[0], addend), facts)


def _factor(node: ir.Node, index: int, contracted: int, facts: Facts, what: str) -> Factor:
    zero_point = node_input(node, index + 4)
    return described(
        required_input(node, index),
        scale_array(node_input(node, index + 2), f"{what} scale"),
        None if zero_point is None else constant(zero_point, f"{what} zero point"),
        contracted,
        facts,
        what,
    )
