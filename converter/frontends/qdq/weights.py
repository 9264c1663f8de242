"""The weights of a float operator: DequantizeLinear of an 8-bit constant."""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.weights import quantized_weights
from qudnn.converter.graph.constants import (
    FOUR_BIT,
    IN_BLOCKS,
    constant,
    constant_tensor,
    node_input,
    required_input,
    scales,
)
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.lowering.weights import Weights
from qudnn.converter.qdq.linear import dequantizes


def read_weights(value: ir.Value, output_axis: int) -> Weights:
    """The constant of 8 or 4 bits that value is dequantized from, transposed perhaps.

    It may be quantized per output: along output_axis of value, counted from the end where negative.
    """
    perms, producer = find_dequantize(value)
    if producer is None:
        raise Refusal("its weights are not dequantized from an 8-bit constant")
    array = constant(required_input(producer, 0), "weight")
    if producer.attributes.get_int("block_size", 0):
        raise Refusal("its weights are quantized in blocks: " + IN_BLOCKS)
    scale, zero_point = node_input(producer, 1), node_input(producer, 2)
    axis = producer.attributes.get_int("axis", 1) % max(array.ndim, 1)
    for transpose in reversed(perms):
        perm = list(transpose.attributes.get_ints("perm", range(array.ndim)[::-1]))
        array, axis = array.transpose(perm), perm.index(axis)
    if scales(scale, "weight scale").size > 1 and axis != output_axis % array.ndim:
        raise Refusal(f"its weights are quantized along axis {axis}, which is not that of the outputs")
    return quantized_weights(array, scale, zero_point, output_axis)


def weights_note(value: ir.Value) -> str:
    """Why onnxruntime computes with weights in float32, as a note begins; empty if it does not.

    It has no integers for those of 4 bits (allow_4bit_weight of NodeGroupSelectors, qdq_selectors.cc, 1.31).
    DequantizeLinear passes a Transpose only with a zero point (QDQPropagationTransformer).
    """
    perms, producer = find_dequantize(value)
    tensor = None if producer is None else constant_tensor(required_input(producer, 0))
    if producer is None or tensor is None:
        return ""
    if tensor.dtype in FOUR_BIT:
        return "its weights have 4 bits, so "
    if perms and node_input(producer, 2) is None:
        return "its weights are transposed and have no zero point, so "
    return ""


def find_dequantize(value: ir.Value) -> tuple[list[ir.Node], ir.Node | None]:
    """The DequantizeLinear that produces value, and the Transposes after it, the last one first."""
    perms = []
    producer = value.producer()
    while is_onnx(producer, "Transpose"):
        perms.append(producer)
        producer = required_input(producer, 0).producer()
    return perms, producer if dequantizes(producer) else None
