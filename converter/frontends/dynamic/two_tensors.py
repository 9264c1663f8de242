"""Matmuls of tensors that DynamicQuantizeLinear quantizes, two or one and a constant => DynamicQBatchMatMul

Such as queries * keys, and weights * values of an attention.
"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.dynamic.operand import is_dynamic, read_float_operand, read_operand
from qudnn.converter.frontends.dynamic.scaled import beside, read_factor
from qudnn.converter.frontends.qoperator.matmul_integer_to_float import SCALES_APART
from qudnn.converter.graph.constants import (
    EIGHT_BIT,
    Quantization,
    constant,
    constant_or_none,
    float_vector,
    node_input,
    required_input,
    single,
)
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.gemm.dynamic_batch_matmul import (
    ConstantFactor,
    Factor,
    make_dynamic_batch_matmul,
    shape_of,
)

_ONE = np.ones(1, np.float32)


class _Operand(NamedTuple):
    """scale: that of DynamicQuantizeLinear; None of a constant, which has any scale still."""

    factor: Factor
    scale: ir.Value | None


def matmul_integer(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, and as options a_zero_point, b_zero_point."""
    a, b = (_operand(node, index, index + 2, facts) for index in range(2))
    first, second = (a, b) if a.scale is not None else (b, a)
    if first.scale is None:
        raise Refusal("neither of its inputs is quantized by DynamicQuantizeLinear")
    result = read_factor(node.outputs[0])
    other = beside(first.scale, result.factor)
    factors = [a.factor, b.factor]
    if second.scale is None:
        index = 0 if second is a else 1
        factors[index] = _with_scale(second.factor, _ONE if other is None else _scale(other))
    elif other is not second.scale:
        raise Refusal("its result is multiplied by something other than the scales of its inputs")
    return make_dynamic_batch_matmul((node, *result.covers), factors[0], factors[1], None, result.y)


def matmul_integer_to_float(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, a_scale, b_scale, and as options a_zero_point, b_zero_point, bias."""
    factors = [_scaled_operand(node, index, index + 2, index + 4, facts) for index in range(2)]
    return _with_bias(node, factors[0], factors[1], 6)


def dynamic_quantize_matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b, b_scale, and as options b_zero_point, bias."""
    return _with_bias(node, read_float_operand(node, facts), _scaled_operand(node, 1, 2, 3, facts), 4)


def _with_bias(node: ir.Node, a: Factor, b: Factor, index: int) -> Candidate:
    value = node_input(node, index)
    return make_dynamic_batch_matmul((node,), a, b, _bias(value, b), node.outputs[0])


def _bias(value: ir.Value | None, b: Factor) -> Float32Array | None:
    if value is None:
        return None
    (*_, outputs) = shape_of(b) or (None,)
    if not isinstance(outputs, int):
        raise Refusal("it has a bias, and its number of outputs is unknown")
    return float_vector(value, outputs, "bias")


def _scaled_operand(node: ir.Node, index: int, scale: int, zero_point: int, facts: Facts) -> Factor:
    operand = _operand(node, index, zero_point, facts)
    if operand.scale is None:
        return _with_scale(operand.factor, _scale(required_input(node, scale)))
    if node_input(node, scale) is not operand.scale:
        raise Refusal("an input has another scale than DynamicQuantizeLinear gave it")
    return operand.factor


def _operand(node: ir.Node, index: int, zero_point: int, facts: Facts) -> _Operand:
    value = required_input(node, index)
    what = "right" if index else "left"
    if is_dynamic(value):
        operand = read_operand(node, zero_point, facts, index=index)
        return _Operand((operand.value, operand.shape), operand.scale)
    given = value.is_initializer() or value.is_graph_input()
    array = constant(value, f"{what} input") if given else constant_or_none(value)
    if array is None:
        raise Refusal(f"its {what} input is neither constant nor quantized by DynamicQuantizeLinear")
    dtype = ir.DataType.from_numpy(array.dtype)
    if dtype not in EIGHT_BIT or not array.size:
        raise Refusal(f"its {what} input is a constant {dtype.name.lower()} {list(array.shape)}")
    number = node_input(node, zero_point)
    zero = 0 if number is None else int(single(number, f"{what} input's zero point"))
    return _Operand(ConstantFactor(array, Quantization(_ONE[0], zero, dtype)), None)


def _with_scale(factor: Factor, scale: Float32Array) -> ConstantFactor:
    assert isinstance(factor, ConstantFactor)
    given = factor.quantization
    return ConstantFactor(factor.array, Quantization(scale[0], given.zero_point, given.dtype))


def _scale(value: ir.Value) -> Float32Array:
    array = constant(value, "scale")
    if array.dtype != np.float32 or array.size != 1:
        raise Refusal(f"its scale is {array.dtype} {list(array.shape)}, not one float32 number")
    if array.ndim > 1:
        raise Refusal(SCALES_APART)
    return array.reshape(1)
