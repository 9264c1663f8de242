"""Convolutions with results in float32: outside of the island, or before an addition and the quantization."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.conv import QConvToInt32
from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QConvToFloat(
    x,
    w,
    bias,
    multiplier,
    addend,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
):
    """int8 `[N,H,W,Cp]` * int8 `[Kp,R,S,Cp/group]` -> float32 `[N,P,Q,Kp]`, outside of the island.

        acc = sum(x * w) + bias[k]            int32, wrapping; padding counts as x_zero_point
        y   = (float(acc) * multiplier[k]) + addend[k]        one rounding after each operation

    `bias` holds `- x_zero_point * sum(w)` already; an addend of -0.0 leaves everything as it is.
    """
    acc = QConvToInt32(
        x,
        w,
        bias,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        x_zero_point=x_zero_point,
    )
    return op.Add(op.Mul(op.Cast(acc, to=1), multiplier), addend)


@script(qudnn, default_opset=op)
def QConvFloatAdd(
    x,
    residual,
    w,
    bias,
    multiplier,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
    r_scale: float,
    r_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 convolution as QConv's and int8 residual `[N,P,Q,Kp]` -> int8 `[N,P,Q,Kp]`, added in float32.

        acc  = sum(x * w) + bias[k]           int32, wrapping; padding counts as x_zero_point
        real = float(acc) * multiplier[k] + float(residual - r_zero_point) * r_scale
        y    = rint(clamp(real / y_scale, -128 - y_zp, 127 - y_zp)) + y_zp, then into [y_min, y_max]

    with one rounding after each float32 operation: DequantizeLinear, Add, Clip and QuantizeLinear after a
    convolution in float32. y_scale lies between 1e-30 and 1e30.
    """
    acc = QConvToInt32(
        x,
        w,
        bias,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        x_zero_point=x_zero_point,
    )
    r = op.DequantizeLinear(
        residual, op.Constant(value_float=r_scale), op.Cast(op.Constant(value_int=r_zero_point), to=3)
    )
    y = op.QuantizeLinear(
        op.Sum(op.Mul(op.Cast(acc, to=1), multiplier), r),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
    )
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    return op.Clip(y, low, high)
