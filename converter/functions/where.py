"""QWhere, the choice between an island's tensors, element by element."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QWhere(condition, x, y):
    """bool, int8, int8 -> int8, broadcast: x where the condition holds, y elsewhere."""
    # As int32: onnxruntime before 1.31 has no kernel for int8.
    return op.Cast(op.Where(condition, op.Cast(x, to=6), op.Cast(y, to=6)), to=3)
