"""In which arithmetic onnxruntime's CPU provider computes a float operator between quantized tensors."""

from collections.abc import Iterable
from enum import Enum

import onnx_ir as ir

from qudnn.converter.graph.constants import Quantization


class Arithmetic(Enum):
    """UINT8, INT8: an integer operator in the place of the float one, on tensors of this type.

    FLOAT32: DequantizeLinear, the float operator, QuantizeLinear.
    """

    UINT8 = ir.DataType.UINT8
    INT8 = ir.DataType.INT8
    FLOAT32 = ir.DataType.FLOAT

    @property
    def integers(self) -> ir.DataType:
        """The type for an integer formula: its own; for FLOAT32, which has none, int8."""
        return ir.DataType.UINT8 if self is Arithmetic.UINT8 else ir.DataType.INT8

    def zero_point(self, quantization: Quantization) -> int:
        """The zero point that its formulas see: int8's where that makes no difference."""
        return quantization.zero_point if self is Arithmetic.UINT8 else quantization.island_zero_point


def common(are_int8: Iterable[bool]) -> Arithmetic:
    """That of a float operator all of whose quantized tensors, the result among them, are int8 or uint8.

    onnxruntime has an integer form only where all have one type, see the Check of BinaryNodeGroupSelector,
    UnaryNodeGroupSelector and the others (qdq_selectors.cc, onnxruntime 1.31): the types that they have
    when QDQS8ToU8Transformer is done, which see qudnn.converter.qdq.linear.stays_int8.
    """
    types = set(are_int8)
    if len(types) > 1:
        return Arithmetic.FLOAT32
    return Arithmetic.INT8 if types.pop() else Arithmetic.UINT8
