"""Constants of float operators, quantized perhaps: DequantizeLinear of a constant is one as well."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.constants import constant, constant_or_none, node_input, required_input, scales
from converter.errors import Refusal
from converter.linear import dequantizes


def float_constant(value: ir.Value, what: str) -> NDArray[Any]:
    """The constant, or what DequantizeLinear makes of one: `float32(q - zero_point) * scale`."""
    dequantize = value.producer()
    if dequantize is None or not dequantizes(dequantize):
        return constant(value, what)
    array = constant_or_none(required_input(dequantize, 0))
    if array is None or array.dtype not in (np.uint8, np.int8, np.int32):
        raise Refusal(f"its {what} is not dequantized from a constant of 8 or 32 bits")
    scale = scales(node_input(dequantize, 1), f"{what}'s scale")
    zero_point = np.zeros(1, np.int32)
    if node_input(dequantize, 2) is not None:
        zero_point = constant(node_input(dequantize, 2), f"{what}'s zero point").reshape(-1).astype(np.int32)
    if dequantize.attributes.get_int("block_size", 0):
        raise Refusal(f"its {what} is quantized in blocks")
    if scale.size > 1:  # for each element of an axis
        axis = dequantize.attributes.get_int("axis", 1) % max(array.ndim, 1)
        along = [-1 if place == axis else 1 for place in range(array.ndim)]
        scale, zero_point = scale.reshape(along), zero_point.reshape(along)
    return (array.astype(np.int32) - zero_point).astype(np.float32) * scale
