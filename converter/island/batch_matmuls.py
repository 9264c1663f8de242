"""QBatchMatMul and its forms, as passes inspect them and change their inputs."""

import onnx_ir as ir

from qudnn.converter.island.crossings import is_qudnn

BATCH_MATMULS = ("QBatchMatMul", "QBatchMatMulToFloat", "QBatchMatMulToInt32", "DynamicQBatchMatMul")
_OPERANDS = ("a", "b")


def operand_of(node: ir.Node, index: int) -> str | None:
    """With which the names of the attributes on this input begin, "a" or "b"; None where it is no operand."""
    return _OPERANDS[index] if is_qudnn(node, *BATCH_MATMULS) and index < len(_OPERANDS) else None
