"""QuantizeLinear and DequantizeLinear, of both domains that have them."""

from typing import Any, TypeGuard

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import (
    IN_BLOCKS,
    Quantization,
    constant,
    constant_or_none,
    node_input,
    quantization,
    required_input,
    scales,
    widened,
)
from qudnn.converter.graph.op_traits import Node, Trait, has_trait, is_known

_FLOAT32 = (0, ir.DataType.FLOAT)  # of attributes: not given, or given so


def quantizes(node: Node | None) -> TypeGuard[Node]:
    return is_known(node, "QuantizeLinear")


def dequantizes(node: Node | None) -> TypeGuard[Node]:
    return is_known(node, "DequantizeLinear")


def written_with(quantize: ir.Node, any_sign: bool = False) -> Quantization:
    """With what a QuantizeLinear quantizes float32, per tensor. any_sign: whatever the scale is."""
    if quantize.attributes.get_int("precision", 0) not in _FLOAT32:
        raise Refusal("its output is not quantized in float32")
    default = ir.DataType(quantize.attributes.get_int("output_dtype", 0)) or ir.DataType.UINT8
    scale, zero_point = node_input(quantize, 1), node_input(quantize, 2)
    return quantization(scale, zero_point, default, "output", any_sign=any_sign)


def read_with(dequantize: ir.Node, dtype: ir.DataType | None, any_sign: bool = False) -> Quantization:
    """With what a DequantizeLinear gets float32 out of a tensor of the given type, per tensor.

    any_sign: whatever the scale is.
    """
    if dequantize.attributes.get_int("output_dtype", 0) not in _FLOAT32:
        raise Refusal("its input is not dequantized to float32")
    scale, zero_point = node_input(dequantize, 1), node_input(dequantize, 2)
    return quantization(scale, zero_point, dtype, "input", any_sign=any_sign)


def dtype_read(dequantize: ir.Node) -> ir.DataType | None:
    """The type of what a DequantizeLinear reads, None where nothing before it tells."""
    x = required_input(dequantize, 0)
    quantize = x.producer()
    if x.dtype is not None or quantize is None or not quantizes(quantize):
        return x.dtype
    try:
        return written_with(quantize).dtype
    except Refusal:
        return None


def float_constant(value: ir.Value, what: str) -> NDArray[Any]:
    """The constant, or what DequantizeLinear makes of one: `float32(q - zero_point) * scale`."""
    dequantize = value.producer()
    if dequantize is None or not dequantizes(dequantize):
        return constant(value, what)
    array = constant_or_none(required_input(dequantize, 0))
    array = None if array is None else widened(array)
    if array is None or array.dtype not in (np.uint8, np.int8, np.int32):
        raise Refusal(f"its {what} is not dequantized from a constant of 4, 8 or 32 bits")
    scale = scales(node_input(dequantize, 1), f"{what}'s scale")
    zero_point = np.zeros(1, np.int32)
    if node_input(dequantize, 2) is not None:
        given = constant(node_input(dequantize, 2), f"{what}'s zero point")
        zero_point = widened(given).reshape(-1).astype(np.int32)
    if dequantize.attributes.get_int("block_size", 0):
        raise Refusal(f"its {what} is quantized in blocks: {IN_BLOCKS}")
    axis = dequantize.attributes.get_int("axis", 1) % max(array.ndim, 1)
    length = array.shape[axis] if array.ndim else 1
    if scale.size not in (1, length) or zero_point.size not in (1, scale.size):
        raise Refusal(
            f"its {what} has {scale.size} scales and {zero_point.size} zero points for an axis of {length}"
        )
    if scale.size > 1:  # for each element of an axis
        along = [-1 if place == axis else 1 for place in range(array.ndim)]
        scale = scale.reshape(along)
        zero_point = np.broadcast_to(zero_point, scale.size).reshape(along)
    return (array.astype(np.int32) - zero_point).astype(np.float32) * scale


_MOST_ACTIVATIONS = 64  # in a row: of so many that is not asked any more


def quantizes_integer_form(quantize: ir.Node) -> bool:
    """Whether onnxruntime may take the node for the end of a quantized operator.

    (onnxruntime 1.30, qdq_selectors.cc, NodeGroupSelector::GetQDQSelection.) Then it has to stay: otherwise
    the operator, if it stays, computes in float32 and gives other bits.
    """
    node = quantize.inputs[0].producer() if quantize.inputs[0] is not None else None
    for _ in range(_MOST_ACTIVATIONS):
        if not has_trait(node, Trait.CLIPS):
            return has_integer_form(node) and all(map(_is_dequantized, node.inputs[:2]))
        node = node.inputs[0].producer() if node.inputs[0] is not None else None
    return True


def dequantizes_for_integer_form(dequantize: ir.Node) -> bool:
    """Whether onnxruntime may take the node for the beginning of a quantized operator.

    (onnxruntime 1.30, qdq_selectors.cc, NodeGroupSelector::GetQDQSelection.)
    """
    return any(
        has_integer_form(consumer)
        and all(map(_is_dequantized, consumer.inputs[:2]))
        and (has_trait(consumer, Trait.INTEGER_FORM_TO_FLOAT) or _is_quantized(consumer))
        for consumer in (use.node for use in dequantize.outputs[0].uses())
    )


def has_integer_form(node: ir.Node | None) -> TypeGuard[ir.Node]:
    """Whether onnxruntime's CPU provider has an integer operator in the place of this float one.

    (CreateSelectorActionRegistry, qdq_selector_action_transformer.cc, 1.30.)
    """
    return has_trait(node, Trait.INTEGER_FORM)


def _is_dequantized(value: ir.Value | None) -> bool:
    return value is not None and dequantizes(value.producer())


def _is_quantized(node: ir.Node) -> bool:
    """Whether a QuantizeLinear consumes the result, possibly after activations."""
    waiting = [node]
    for reached in waiting:
        consumers = [use.node for use in reached.outputs[0].uses()]
        if any(map(quantizes, consumers)) or len(waiting) > _MOST_ACTIVATIONS:
            return True
        waiting += [consumer for consumer in consumers if has_trait(consumer, Trait.CLIPS)]
    return False


_MOST_FUNCTIONS = 32  # in a row: of so many there is no op


def is_of_a_quantized_tensor(function: ir.Node) -> bool:
    """Whether it is a function of each element of a dequantized tensor, possibly after others."""
    reached = [function]
    for node in reached:
        for value in node.inputs:
            producer = None if value is None else value.producer()
            if dequantizes(producer) and constant_or_none(required_input(producer, 0)) is None:
                return True
            if has_trait(producer, Trait.ELEMENTWISE) and len(reached) < _MOST_FUNCTIONS:
                reached.append(producer)
    return False
