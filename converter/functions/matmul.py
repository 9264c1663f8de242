"""QMatMul, the quantized matrix product of an island, with constant weights."""

from onnxscript import opset13 as op
from onnxscript import script

from converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QMatMul(x, w, bias, multiplier, y_zero_point: int, y_min: int, y_max: int):
    """int8 `[..., Cp]` * int8 `[Kp, Cp]`, transposed -> int8 `[..., Kp]`.

        acc = sum(x * w) + bias[k]            int32, wrapping
        y   = saturate(rint(float(acc) * multiplier[k]) + y_zero_point), then into [y_min, y_max]

    `bias` holds `- x_zero_point * sum(w)` already.
    """
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    acc = op.Add(op.MatMulInteger(x, op.Transpose(w, perm=[1, 0])), bias)
    r = op.Mul(op.Cast(acc, to=1), multiplier)
    y = op.QuantizeLinear(r, op.Constant(value_float=1.0), y_zp)
    return op.Clip(y, low, high)
