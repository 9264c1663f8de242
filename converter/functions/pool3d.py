"""QMaxPool3D and QAveragePool3D, the pools over windows of an island's volumes."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def QMaxPool3D(
    x,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
):
    """int8 `[N,D,H,W,Cp]` -> int8 `[N,Z,P,Q,Cp]`: the maximum of each window, padding left out.

    QMaxPool with one more dimension: pads are front, top, left, back, bottom, right. It never pads y.
    """
    y = op.MaxPool(
        op.Transpose(x, perm=[0, 4, 1, 2, 3]),
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        dilations=dilations,
        ceil_mode=ceil_mode,
    )
    return op.Transpose(y, perm=[0, 2, 3, 4, 1])


@script(qudnn, default_opset=op)
def QAveragePool3D(
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
    """int8 `[N,D,H,W,Cp]` -> int8 `[N,Z,P,Q,Cp]`, with the bits of QLinearAveragePool on tensors of dtype.

    QAveragePool with one more dimension: pads are front, top, left, back, bottom, right, and the sums run
    over slices, rows and columns (onnxruntime 1.30, qlinear_pool.cc, QLinearPoolNhwc3DTask).
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
