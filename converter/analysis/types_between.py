"""Why an operator whose input and result are of two 8-bit types stays in floating point, in words."""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import node_input
from qudnn.converter.qdq.linear import dequantizes, quantizes, read_with, written_with


def differing(x: ir.DataType, y: ir.DataType) -> str:
    """x, y: the types of the quantized input and result, as they are after the pass Int8ToUint8."""
    return (
        f"its input is {x.name.lower()} and its result {y.name.lower()} here: int8 tensors between "
        "QuantizeLinear and DequantizeLinear become uint8, others do not"
    )


def between_pairs(node: ir.Node) -> str | None:
    """What is in the way of an operator between DequantizeLinear and QuantizeLinear; None of another one."""
    x = node_input(node, 0)
    dequantize = None if x is None else x.producer()
    quantize = next(
        (use.node for output in node.outputs for use in output.uses() if quantizes(use.node)), None
    )
    if dequantize is None or quantize is None or not dequantizes(dequantize):
        return None
    try:
        read, written = read_with(dequantize, None).dtype, written_with(quantize).dtype
    except Refusal:
        return None
    return None if read == written else differing(read, written)
