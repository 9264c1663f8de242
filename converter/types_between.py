"""Why an operator whose input and result are of two 8-bit types stays in floating point, in words."""

import onnx_ir as ir

from converter.constants import node_input
from converter.errors import Refusal
from converter.linear import dequantizes, quantizes, read_with, written_with


def differing(x: ir.Value | None, x_dtype: ir.DataType, y: ir.Value, y_dtype: ir.DataType) -> str:
    """x, y: the quantized input and result."""
    types = f"its input is {x_dtype.name.lower()} and its result {y_dtype.name.lower()}"
    if (x is not None and x.is_graph_input()) or y.is_graph_output():
        return f"{types} here: int8 tensors inside of a model become uint8, its own inputs and outputs do not"
    return types


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
    return None if read == written else differing(dequantize.inputs[0], read, quantize.outputs[0], written)
