"""Tensors of which all elements are one number, known before the model runs: masks that mask nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.qdq.linear import quantizes, written_with

_MOST_NODES = 64  # between a tensor and the constant that it is made of


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
    return _uniform(value, iter(range(_MOST_NODES)))


def _uniform(value: ir.Value | None, left: Iterator[int]) -> NDArray[Any] | None:
    """As uniform; left: has as many items as nodes may still be looked at."""
    while value is not None and next(left, None) is not None:
        array = constant_or_none(value)
        if array is not None:
            alike = array.size > 0 and bool((array == array.flat[0]).all())
            return np.asarray(array.flat[0]) if alike else None
        node = value.producer()
        if has_trait(node, Trait.UNIFORM):
            value = node_input(node, 0)
        elif is_onnx(node, "Where"):
            condition = _uniform(node_input(node, 0), left)
            if condition is None:
                return None
            value = node_input(node, 1 if condition else 2)
        else:
            return None
    return None
