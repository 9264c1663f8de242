"""QAdd, the quantized addition of an island."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def QAdd(
    a,
    b,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    dtype: int,
):
    """int8 + int8 -> int8, broadcast, with the bits of QLinearAdd on tensors of dtype (2 uint8, 3 int8).

    Its float32 arithmetic works on the values as they are outside the island, so the zero points
    are those of dtype, and a uint8 tensor counts as its int8 form + 128. The formula:

        F = float(y_zp) - fma(a_zp, RA, RB * b_zp)        RA = a_scale / y_scale, RB = b_scale / y_scale
        y = saturate(rint(fma(a, RA, fma(b, RB, F))))
    """
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Cast(op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0)), to=6)
    y = microsoft.QLinearAdd(
        op.Cast(op.Add(op.Cast(a, to=6), offset), to=dtype),
        op.Constant(value_float=a_scale),
        op.Cast(op.Constant(value_int=a_zero_point), to=dtype),
        op.Cast(op.Add(op.Cast(b, to=6), offset), to=dtype),
        op.Constant(value_float=b_scale),
        op.Cast(op.Constant(value_int=b_zero_point), to=dtype),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=dtype),
    )
    return op.Cast(op.Sub(op.Cast(y, to=6), offset), to=3)
