"""Tensors of which all elements are one number, known before the model runs: masks that mask nothing."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.constants import constant_or_none, node_input, required_input
from converter.errors import Refusal
from converter.linear import quantizes, written_with

_REPEAT = {"Expand", "Identity", "Reshape", "Squeeze", "Unsqueeze"}


def uniform_8_bit(value: ir.Value) -> NDArray[Any] | None:
    """The one 8-bit number `[1]` that QuantizeLinear makes of such a tensor, if value is its result."""
    quantize = value.producer()
    if quantize is None or not quantizes(quantize):
        return None
    number = uniform(required_input(quantize, 0))
    if number is None or number.dtype != np.float32 or not np.isfinite(number):
        return None
    try:
        quantization = written_with(quantize)
    except Refusal:
        return None
    bounds = np.iinfo(quantization.dtype.numpy())
    with np.errstate(over="ignore"):
        scaled = number / np.float32(quantization.scale)
    low, high = (np.float32(bound - quantization.zero_point) for bound in (bounds.min, bounds.max))
    integer = int(np.rint(np.clip(scaled, low, high))) + quantization.zero_point
    return np.array([integer], bounds.dtype)


def uniform(value: ir.Value | None) -> NDArray[Any] | None:
    """The number that all elements are, as an array of no dimensions."""
    if value is None:
        return None
    array = constant_or_none(value)
    if array is not None:
        alike = array.size > 0 and bool((array == array.flat[0]).all())
        return np.asarray(array.flat[0]) if alike else None
    node = value.producer()
    if node is None or node.domain:
        return None
    if node.op_type in _REPEAT:
        return uniform(node_input(node, 0))
    if node.op_type == "Where":
        condition = uniform(node_input(node, 0))
        return None if condition is None else uniform(node_input(node, 1 if condition else 2))
    return None
