"""QTable, any function of one quantized tensor."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QTable(x, table, y_zero_point: int = 0, y_pads: Sequence[int] = (0,)):
    """int8 of any shape, int8 table -> int8 of x's shape. One table for all, or one for each channel:

        table [256]:     y         = table[x + 128]
        table [Cp, 256]: y[..., c] = table[c, x[..., c] + 128]        x is [..., Cp]

    The converter fills it by running the operator on onnxruntime's CPU provider over all 256 inputs.
    y_pads adds pixels of y_zero_point around images, as in QConv; a single 0, nothing to any shape.
    """
    # Where the tables begin, of the shape [] or [Cp]: constants, as the table is one.
    tables = op.Slice(op.Shape(table), op.Constant(value_ints=[0]), op.Constant(value_ints=[-1]))
    starts = op.Reshape(
        op.Range(op.Constant(value_int=0), op.Size(table), op.Constant(value_int=256)), tables
    )
    zeros = op.Add(op.Cast(starts, to=6), op.Cast(op.Constant(value_int=128), to=6))
    y = op.Gather(op.Reshape(table, op.Constant(value_ints=[-1])), op.Add(op.Cast(x, to=6), zeros))
    both_ends = op.Mul(op.Shape(op.Shape(x)), op.Constant(value_ints=[2]))
    pads = op.Expand(op.Constant(value_ints=y_pads), both_ends)
    return op.Pad(y, pads, op.Cast(op.Constant(value_int=y_zero_point), to=3))
