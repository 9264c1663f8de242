"""QConv3D, the quantized convolution of an island in three dimensions."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QConv3D(
    x,
    w,
    bias,
    multiplier,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 `[N,D,H,W,Cp]` * int8 `[Kp,T,R,S,Cp/group]` -> int8 `[N,Z,P,Q,Kp]`.

    QConv with one more dimension: pads are front, top, left, back, bottom, right.
    """
    one = op.Constant(value_float=1.0)
    w_zp = op.Cast(op.Constant(value_int=0), to=3)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_zp = op.Cast(op.Add(op.Constant(value_int=x_zero_point), op.Constant(value_int=128)), to=2)
    y_zp = op.Cast(op.Add(op.Constant(value_int=y_zero_point), op.Constant(value_int=128)), to=2)
    low = op.Cast(op.Add(op.Constant(value_int=y_min), op.Constant(value_int=128)), to=2)
    high = op.Cast(op.Add(op.Constant(value_int=y_max), op.Constant(value_int=128)), to=2)
    w_sum = op.ReduceSum(op.Cast(w, to=6), op.Constant(value_ints=[1, 2, 3, 4]), keepdims=0)
    folded = op.Mul(w_sum, op.Cast(op.Constant(value_int=x_zero_point), to=6))
    y = op.QLinearConv(
        op.Transpose(op.Cast(op.Add(op.Cast(x, to=6), shift), to=2), perm=[0, 4, 1, 2, 3]),
        one,
        x_zp,
        op.Transpose(w, perm=[0, 4, 1, 2, 3]),
        multiplier,
        w_zp,
        one,
        y_zp,
        op.Add(bias, folded),
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
    )
    clipped = op.Transpose(op.Clip(y, low, high), perm=[0, 2, 3, 4, 1])
    return op.Cast(op.Sub(op.Cast(clipped, to=6), shift), to=3)
