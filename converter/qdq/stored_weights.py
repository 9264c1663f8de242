"""Weights that are stored in 8 bits and converted to float32 in the graph, by a chain of few operators."""

from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import (
    EIGHT_BIT,
    IN_BLOCKS,
    constant_or_none,
    node_input,
    required_input,
    widened,
)
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.qdq.linear import dequantizes

_LONGEST_CHAIN = 8


class StoredWeights(NamedTuple):
    """float32(values - zero_points) * scales; all of one rank, the latter two broadcast to the first.

    values: of 8 bits, and zero_points of the same type. scales: float32.
    """

    values: NDArray[Any]
    scales: NDArray[np.float32]
    zero_points: NDArray[Any]

    def per_output(self, axis: int) -> "StoredWeights":
        """With scales and zero points as vectors of one element, or of one for each output along axis."""
        vectors = []
        for what, array in ("scales", self.scales), ("zero points", self.zero_points):
            if array.size not in (1, array.shape[axis]):
                raise Refusal(f"its weights have {what} for more than its outputs")
            vector = array.reshape(-1)
            vectors.append(vector[:1] if (vector == vector[0]).all() else vector)
        return StoredWeights(self.values, *vectors)

    def transposed(self, perm: list[int] | None = None) -> "StoredWeights":
        return StoredWeights(*(array.transpose(perm) for array in self))


def read_stored_weights(value: ir.Value) -> StoredWeights:
    """What the value is made of. Raises Refusal where that are no such weights."""
    perms = []
    for _ in range(_LONGEST_CHAIN):
        node = value.producer()
        if is_onnx(node, "Transpose"):
            perms.append(list(node.attributes.get_ints("perm", [])) or None)
        elif not is_onnx(node, "Identity"):
            break
        value = required_input(node, 0)
    node = value.producer()
    if dequantizes(node):
        weights = _dequantized(node)
    elif is_onnx(node, "Mul", "Cast"):
        weights = _multiplied(node)
    else:
        raise Refusal("its weights are not constants of 8 bits times their scales")
    for perm in reversed(perms):
        weights = weights.transposed(perm)
    return weights


def _dequantized(node: ir.Node) -> StoredWeights:
    values = _eight_bit(required_input(node, 0))
    if node.attributes.get_int("block_size", 0):
        raise Refusal(f"its weights are quantized in blocks: {IN_BLOCKS}")
    number = node_input(node, 2)
    zero_points = np.zeros(1, values.dtype) if number is None else constant_or_none(number)
    if zero_points is None:
        raise Refusal("the zero points of its weights must be constant")
    axis = node.attributes.get_int("axis", 1)
    vectors = [_along(array, axis, values) for array in (_scales(node_input(node, 1)), widened(zero_points))]
    if vectors[1].dtype != values.dtype:
        raise Refusal(f"its weights are {values.dtype}, but their zero points {vectors[1].dtype}")
    return StoredWeights(values, *vectors)


def _along(array: NDArray[Any], axis: int, values: NDArray[Any]) -> NDArray[Any]:
    """One number, or one for each index along an axis, with the dimensions of the values."""
    shape = [1] * values.ndim
    if array.size > 1 and -values.ndim <= axis < values.ndim:
        shape[axis] = values.shape[axis]
    if array.ndim > 1 or array.size != np.prod(shape):
        raise Refusal(f"its weights {list(values.shape)} have scales or zero points {list(array.shape)}")
    return array.reshape(shape)


def _multiplied(node: ir.Node) -> StoredWeights:
    """Cast -> (Sub of the zero point) -> Mul by the scale, or the Cast alone."""
    converted, scales = node, np.ones(1, np.float32)
    if is_onnx(node, "Mul"):
        first, second = required_input(node, 0), required_input(node, 1)
        scale, other = (first, second) if constant_or_none(first) is not None else (second, first)
        producer = other.producer()
        if producer is None:
            raise Refusal("its weights are not constants of 8 bits times their scales")
        converted, scales = producer, _scales(scale)
    subtracted: ir.Value | None = None
    if is_onnx(converted, "Sub"):
        subtracted = required_input(converted, 1)
        producer = required_input(converted, 0).producer()
    else:
        producer = converted
    if not is_onnx(producer, "Cast") or producer.attributes["to"].as_int() != ir.DataType.FLOAT:
        raise Refusal("its weights are not cast to float32 and multiplied by their scales")
    values = _eight_bit(required_input(producer, 0))
    zero_points = np.zeros(1, values.dtype) if subtracted is None else _zero_points(subtracted, values.dtype)
    arrays = []
    for array in scales, zero_points:
        if array.ndim > values.ndim:
            raise Refusal("its scales or zero points have more dimensions than its weights")
        arrays.append(array.reshape([1] * (values.ndim - array.ndim) + list(array.shape)))
    if any(n not in (1, m) for array in arrays for n, m in zip(array.shape, values.shape, strict=True)):
        raise Refusal("its scales or zero points do not have the dimensions of its weights")
    return StoredWeights(values, *arrays)


def _zero_points(value: ir.Value, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Of a float32 constant, or one that was cast to float32."""
    node = value.producer()
    array = constant_or_none(required_input(node, 0) if is_onnx(node, "Cast") else value)
    if array is None:
        raise Refusal("the zero points of its weights must be constant")
    bounds = np.iinfo(dtype)
    if not ((array >= bounds.min) & (array <= bounds.max) & (array == np.rint(array))).all():
        raise Refusal(f"the zero points of its weights are no {dtype}")
    return array.astype(dtype)


def _scales(value: ir.Value | None) -> NDArray[np.float32]:
    array = None if value is None else constant_or_none(value)
    if array is None:
        raise Refusal("the scales of its weights must be constant")
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise Refusal(f"the scales of its weights are {array.dtype}, or not finite")
    return array


def _eight_bit(value: ir.Value) -> NDArray[Any]:
    array = constant_or_none(value)
    if array is None:
        raise Refusal("its weights must be constant")
    array = widened(array)
    if ir.DataType.from_numpy(array.dtype) not in EIGHT_BIT or not array.size:
        raise Refusal(f"its weights are {array.dtype} {list(array.shape)}, not 8 bits wide")
    return array
