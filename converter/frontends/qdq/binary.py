"""DequantizeLinear (2) -> Add or Mul -> QuantizeLinear -> QAdd or QMul"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx_ir as ir

from converter.candidate import Candidate, Quantized
from converter.constants import Quantization, constant_or_none, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qdq.elementwise import elementwise
from converter.frontends.qdq.operand import Operand, operand
from converter.frontends.qdq.result import result
from converter.linear import dequantizes
from converter.ops import pair

Builder = Callable[[tuple[ir.Node, ...], Quantized, Quantized, Quantized, Facts], Candidate]


def add(node: ir.Node, facts: Facts) -> Candidate:
    return _binary(pair.add, node, facts)


def mul(node: ir.Node, facts: Facts) -> Candidate:
    return _binary(pair.mul, node, facts)


def _binary(build: Builder, node: ir.Node, facts: Facts) -> Candidate:
    try:
        return elementwise(node, facts)  # of one tensor, such as x * sigmoid(x)
    except Refusal:
        if not all(dequantizes(required_input(node, index).producer()) for index in (0, 1)):
            raise
    a, b = operand(node, 0, facts), operand(node, 1, facts)
    a, b = _beside(a, b), _beside(b, a)
    y = result(node).unclamped()
    candidate = build((node, *y.covers), a.quantized, b.quantized, y.quantized, facts)
    return replace(candidate, note=y.note([a, b]))


def _beside(constant: Operand, other: Operand) -> Operand:
    """An int8 constant beside a tensor that became uint8, as uint8; all else as it is."""
    array = constant_or_none(constant.value)
    if array is None or array.dtype != np.int8 or other.quantization.dtype != ir.DataType.UINT8:
        return constant
    shifted = ir.tensor(array.view(np.uint8) ^ np.uint8(128), name=constant.value.name)
    value = ir.Value(name=shifted.name, const_value=shifted)
    parameters = Quantization(
        constant.quantization.scale, constant.quantization.zero_point + 128, ir.DataType.UINT8
    )
    return constant._replace(value=value, quantization=parameters)
