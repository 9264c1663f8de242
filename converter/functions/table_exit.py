"""TableFromIsland, an exit that computes a function of each element in float32."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def TableFromIsland(x, table, perm: Sequence[int], channels: int):
    """int8 -> float32: of the first channels, or all, transposed by perm

        y = table[x + 128]              a table [256] for all channels, or
        y = table[c, x + 128]           [C, 256] with a row for each of those

    The converter fills the table by running what DequantizeLinear and the operators after it make of all 256
    inputs on onnxruntime's CPU provider: the bias after a matmul.
    """
    last = op.Constant(value_ints=[-1])
    first = op.Constant(value_ints=[0])
    kept = op.Slice(x, first, op.Reshape(op.Constant(value_int=channels), last), last)
    starts = op.Reshape(
        op.Range(op.Constant(value_int=0), op.Size(table), op.Constant(value_int=256)),
        op.Slice(op.Shape(table), first, last),
    )
    places = op.Add(op.Cast(kept, to=6), op.Cast(op.Add(starts, op.Constant(value_int=128)), to=6))
    return op.Transpose(op.Gather(op.Reshape(table, last), places), perm=perm)
