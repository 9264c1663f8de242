"""QFloatAdd and QFloatMul, which an island computes as onnxruntime does where it keeps a model's float32."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QFloatAdd(
    a,
    b,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 + int8 -> int8, broadcast, with the bits of DequantizeLinear (2), Add, Clip, QuantizeLinear.

        real = float(a - a_zp) * a_scale + float(b - b_zp) * b_scale
        y    = rint(clamp(real / y_scale, -128 - y_zp, 127 - y_zp)) + y_zp, then into [y_min, y_max]

    with one rounding after each float32 operation.
    """
    a_real = op.DequantizeLinear(
        a, op.Constant(value_float=a_scale), op.Cast(op.Constant(value_int=a_zero_point), to=3)
    )
    b_real = op.DequantizeLinear(
        b, op.Constant(value_float=b_scale), op.Cast(op.Constant(value_int=b_zero_point), to=3)
    )
    # Of an Add between these onnxruntime would make a QLinearAdd, which rounds elsewhere; not of a Sum
    # (onnxruntime 1.30, qdq_selector_action_transformer.cc, BinaryOpQDQRules).
    y = op.QuantizeLinear(
        op.Sum(a_real, b_real),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
    )
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    return op.Clip(y, low, high)


@script(qudnn, default_opset=op)
def QFloatMul(
    a,
    b,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 * int8 -> int8, broadcast, with the bits of DequantizeLinear (2), Mul, Clip, QuantizeLinear.

        real = (float(a - a_zp) * a_scale) * (float(b - b_zp) * b_scale)
        y    = rint(clamp(real / y_scale, -128 - y_zp, 127 - y_zp)) + y_zp, then into [y_min, y_max]

    with one rounding after each float32 operation.
    """
    a_real = op.DequantizeLinear(
        a, op.Constant(value_float=a_scale), op.Cast(op.Constant(value_int=a_zero_point), to=3)
    )
    b_real = op.DequantizeLinear(
        b, op.Constant(value_float=b_scale), op.Cast(op.Constant(value_int=b_zero_point), to=3)
    )
    # Of a Mul right after these onnxruntime would make a QLinearMul (BinaryNodeGroupSelector, 1.30). A Sum of
    # one tensor is that tensor.
    y = op.QuantizeLinear(
        op.Mul(op.Sum(a_real), b_real),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
    )
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    return op.Clip(y, low, high)
