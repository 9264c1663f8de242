"""ArgMaxFromIsland: an exit that tells places instead of values."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def ArgMaxFromIsland(x, channels: int, sign: int, select_last_index: int):
    """int8 `[..., Cp]` -> int64 `[...]`: the place of the greatest of the first `channels`.

    sign: 1, or -1 for the place of the least. Of equal ones it is the first, or the last if select_last_index
    is 1. 2**63 - 1 channels are all there are.
    """
    last = op.Constant(value_ints=[-1])
    real = op.Reshape(op.Constant(value_int=channels), last)
    kept = op.Slice(x, op.Constant(value_ints=[0]), real, last)
    signed = op.Mul(op.Cast(kept, to=6), op.Cast(op.Constant(value_int=sign), to=6))
    return op.ArgMax(signed, axis=-1, keepdims=0, select_last_index=select_last_index)
