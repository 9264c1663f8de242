"""The input of a float operator: DequantizeLinear of an 8-bit tensor."""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import IN_FLOAT, Refusal
from qudnn.converter.graph.constants import Quantization, constant_or_none, required_input
from qudnn.converter.graph.marks import READ_IN_FLOAT, STAYS_INT8
from qudnn.converter.island.port import Quantized
from qudnn.converter.qdq.linear import dequantizes, read_with

MOVED_IN_FLOAT = (
    "an operator between its quantized input and it works in float32, so "  # of an operand in_float
)


class Operand(NamedTuple):
    """value: the 8-bit tensor. is_int8: whether it is int8 to onnxruntime's CPU provider.

    in_float: whether it is float32 there, and so is the operator.
    """

    value: ir.Value
    quantization: Quantization
    is_int8: bool
    in_float: bool = False

    @property
    def quantized(self) -> Quantized:
        return Quantized(self.value, self.quantization)


def read_operand(node: ir.Node, index: int, facts: Facts) -> Operand:
    """The tensor that input `index` of the operator is dequantized from, per tensor."""
    dequantize = required_input(node, index).producer()
    if dequantize is None or not dequantizes(dequantize):
        if any(value is not None and dequantizes(value.producer()) for value in node.inputs):
            raise Refusal("one of its inputs is in floating point, not dequantized from 8 bits")
        raise Refusal(IN_FLOAT)
    x = required_input(dequantize, 0)
    parameters = read_with(dequantize, facts.dtype(x))
    is_int8 = STAYS_INT8.is_on(x) or parameters.dtype == ir.DataType.INT8
    return Operand(x, parameters, is_int8, READ_IN_FLOAT.is_on(x))


def parameter_ranks(value: ir.Value | None) -> list[int]:
    """How many dimensions scale and zero point have, that the value is dequantized with; of constant ones."""
    dequantize = None if value is None else value.producer()
    if not dequantizes(dequantize):
        return []
    arrays = [constant_or_none(parameter) for parameter in dequantize.inputs[1:] if parameter is not None]
    return [array.ndim for array in arrays if array is not None]
