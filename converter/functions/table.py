"""QTable, any function of one quantized tensor."""

from onnxscript import opset13 as op
from onnxscript import script

from converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QTable(x, table):
    """int8 of any shape, int8 `[256]` -> int8 of that shape: `y = table[x + 128]`.

    The converter fills the table by running the operator on onnxruntime's CPU provider over all 256 inputs.
    """
    return op.Gather(table, op.Add(op.Cast(x, to=6), op.Cast(op.Constant(value_int=128), to=6)))
