"""QMaxPool and QGlobalAveragePool, the pools of an island."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def QMaxPool(
    x,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
    y_zero_point: int = 0,
    y_pads: Sequence[int] = (0, 0, 0, 0, 0, 0, 0, 0),
):
    """int8 `[N,H,W,Cp]` -> int8 `[N,P,Q,Cp]`: the maximum of each window, padding left out.

    y_pads adds pixels of y_zero_point around the images of y, as in QConv.
    """
    y = op.MaxPool(
        op.Transpose(x, perm=[0, 3, 1, 2]),
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        dilations=dilations,
        ceil_mode=ceil_mode,
    )
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    return op.Pad(op.Transpose(y, perm=[0, 2, 3, 1]), op.Constant(value_ints=y_pads), y_zp)


@script(qudnn, default_opset=op)
def QGlobalAveragePool(x, x_scale: float, x_zero_point: int, y_scale: float, y_zero_point: int):
    """int8 `[N,H,W,Cp]` -> int8 `[N,1,1,Cp]`.

    acc = sum(x) - x_zero_point * H * W                            int32
    y   = saturate(rint(float(acc) * (x_scale / (y_scale * float(H * W)))) + y_zero_point)
    """
    return microsoft.QLinearGlobalAveragePool(
        x,
        op.Constant(value_float=x_scale),
        op.Cast(op.Constant(value_int=x_zero_point), to=3),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
        channels_last=1,
    )


@script(qudnn, default_opset=op)
def QAveragePool(
    x,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    ceil_mode: int,
    count_include_pad: int,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    dtype: int,
):
    """int8 `[N,H,W,Cp]` -> int8 `[N,P,Q,Cp]`, with the bits of QLinearAveragePool on tensors of dtype.

    The zero points are those of dtype (2 uint8, 3 int8); a uint8 tensor counts as its int8 form + 128.
    Sums run in float32, in raster order, one rounding after each operation:

        mean = sum(x_scale * float(x - x_zp)) / float(count)
        y    = rint(mean / y_scale + float(y_zp)), clamped
    """
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Cast(op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0)), to=6)
    y = microsoft.QLinearAveragePool(
        op.Cast(op.Add(op.Cast(x, to=6), offset), to=dtype),
        op.Constant(value_float=x_scale),
        op.Cast(op.Constant(value_int=x_zero_point), to=dtype),
        op.Constant(value_float=y_scale),
        op.Cast(op.Constant(value_int=y_zero_point), to=dtype),
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        channels_last=1,
    )
    return op.Cast(op.Sub(op.Cast(y, to=6), offset), to=3)
