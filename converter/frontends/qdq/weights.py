"""The weights of a float operator: DequantizeLinear of an 8-bit constant, or of a quantized float one."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from converter.constants import EIGHT_BIT, constant, constant_or_none, node_input, required_input, scales
from converter.errors import Refusal
from converter.frontends.qoperator.weights import Weights, quantized_weights
from converter.linear import dequantizes, quantizes


def weights(value: ir.Value, output_axis: int) -> Weights:
    """The 8-bit constant that value is dequantized from, transposed perhaps.

    It may be quantized per output: along output_axis of value, counted from the end where negative.
    """
    perms = []
    producer = value.producer()
    while producer is not None and producer.op_type == "Transpose" and not producer.domain:
        perms.append(producer)
        producer = required_input(producer, 0).producer()
    if producer is None or not dequantizes(producer):
        raise Refusal("its weights are not dequantized from an 8-bit constant")
    array = _quantized(required_input(producer, 0))
    scale, zero_point = node_input(producer, 1), node_input(producer, 2)
    axis = producer.attributes.get_int("axis", 1) % max(array.ndim, 1)
    for transpose in reversed(perms):
        perm = list(transpose.attributes.get_ints("perm", range(array.ndim)[::-1]))
        array, axis = array.transpose(perm), perm.index(axis)
    if scales(scale, "weight scale").size > 1 and axis != output_axis % array.ndim:
        raise Refusal(f"its weights are quantized along axis {axis}, which is not that of the outputs")
    return quantized_weights(array, scale, zero_point, output_axis)


def _quantized(value: ir.Value) -> NDArray[Any]:
    """The 8-bit array: a constant, or what a QuantizeLinear makes of a float32 constant."""
    quantize = value.producer()
    if quantize is None or not quantizes(quantize):
        return constant(value, "weight")
    array = constant_or_none(required_input(quantize, 0))
    if array is None:
        raise Refusal("its weights are not constant")
    scale = scales(node_input(quantize, 1), "weight scale")
    zero_point = constant(node_input(quantize, 2), "weight zero point").reshape(-1)
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise Refusal(f"its weights are {array.dtype} before they are quantized, or not finite")
    if ir.DataType.from_numpy(zero_point.dtype) not in EIGHT_BIT:
        raise Refusal(f"its weights are {zero_point.dtype}, not 8 bits wide")
    bounds = np.iinfo(zero_point.dtype)
    shape = [1] * array.ndim
    if scale.size > 1:
        shape[quantize.attributes.get_int("axis", 1)] = -1
    z = zero_point.astype(np.int32).reshape(shape)
    with np.errstate(over="ignore"):
        scaled = array / scale.reshape(shape)
    q = np.rint(np.clip(scaled, (bounds.min - z).astype(np.float32), (bounds.max - z).astype(np.float32)))
    return (q.astype(np.int32) + z).astype(zero_point.dtype)
