"""QSoftmax, the quantized softmax over an island's channels."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def QSoftmax(
    x, channels: int, x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int, dtype: int
):
    """int8 `[..., Cp]` -> int8 `[..., Cp]`, with the bits of QLinearSoftmax over the first `channels`.

    2**63 - 1 channels are all there are. The other channels are padding, which the body copies from x.
    The zero points are those of dtype (2 uint8, 3 int8); a uint8 tensor counts as its int8 form + 128.
    """
    last = op.Constant(value_ints=[-1])
    real = op.Reshape(op.Constant(value_int=channels), last)
    kept = op.Slice(x, op.Constant(value_ints=[0]), real, last)
    padding = op.Slice(x, real, op.Constant(value_ints=[2**31 - 1]), last)
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Cast(op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0)), to=6)
    y = microsoft.QLinearSoftmax(
        op.Cast(op.Add(op.Cast(kept, to=6), offset), to=dtype),
        op.Constant(value_float=x_scale),
        op.Cast(op.Constant(value_int=x_zero_point), to=dtype),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=dtype),
        axis=-1,
        opset=13,
    )
    return op.Concat(op.Cast(op.Sub(op.Cast(y, to=6), offset), to=3), padding, axis=-1)
