"""The float32 result of a matrix product between DequantizeLinears, where nothing quantizes it."""

from collections.abc import Sequence

import onnx_ir as ir

from converter.frontends.qdq.operand import Operand
from converter.linear import quantizes

LAST_BITS = "onnxruntime computes it in float32: results may differ in their last bits"


def float_note(node: ir.Node, operands: Sequence[Operand]) -> str:
    """Why the product, if it reads these, may differ from onnxruntime; empty where it does not."""
    if any(operand.is_int8 for operand in operands):
        return f"an int8 tensor of it has several readers or is the model's own, for which reason {LAST_BITS}"
    if any(quantizes(use.node) for use in node.outputs[0].uses()):
        return f"its result is quantized for some of its readers only, for which reason {LAST_BITS}"
    return ""
