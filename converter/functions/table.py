"""QTable, any function of one quantized tensor."""

from onnxscript import opset13 as op
from onnxscript import script

from converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QTable(x, table):
    """int8 of any shape, int8 table -> int8 of x's shape. One table for all, or one for each channel:

        table [256]:     y         = table[x + 128]
        table [Cp, 256]: y[..., c] = table[c, x[..., c] + 128]        x is [..., Cp]

    The converter fills it by running the operator on onnxruntime's CPU provider over all 256 inputs.
    """
    # Where the tables begin, of the shape [] or [Cp]: constants, as the table is one.
    tables = op.Slice(op.Shape(table), op.Constant(value_ints=[0]), op.Constant(value_ints=[-1]))
    starts = op.Reshape(
        op.Range(op.Constant(value_int=0), op.Size(table), op.Constant(value_int=256)), tables
    )
    zeros = op.Add(op.Cast(starts, to=6), op.Cast(op.Constant(value_int=128), to=6))
    return op.Gather(op.Reshape(table, op.Constant(value_ints=[-1])), op.Add(op.Cast(x, to=6), zeros))
