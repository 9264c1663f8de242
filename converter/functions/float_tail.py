"""Operators in float32 between a convolution's float32 result and the next entry, or the end of a model."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def FloatGlobalAveragePool(x, low: float, high: float, silu: int):
    """float32 `[N,H,W,C]` -> float32 `[N,1,1,C]`: the mean of what the activation makes of each image.

        r = x * sigmoid(x)          where silu is 1, else x clipped to [low, high]
        y = mean(r)

    with the bits of onnxruntime's CPU provider: the sum is that of QTableGlobalAveragePoolToFloat.
    """
    clipped = op.Clip(x, op.Constant(value_float=low), op.Constant(value_float=high))
    is_silu = op.Equal(op.Constant(value_int=silu), op.Constant(value_int=1))
    r = op.Where(is_silu, op.Mul(x, op.Sigmoid(x)), clipped)
    mean = op.GlobalAveragePool(op.Transpose(r, perm=[0, 3, 1, 2]))
    return op.Transpose(mean, perm=[0, 2, 3, 1])


@script(qudnn, default_opset=op)
def FloatMaxPool(
    x,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: int,
    low: float,
    high: float,
):
    """float32 `[N,H,W,C]` -> float32 `[N,P,Q,C]`: the maximum of each window, padding left out.

    Of numbers clipped to [low, high]. What becomes of NaN is not specified.
    """
    clipped = op.Clip(x, op.Constant(value_float=low), op.Constant(value_float=high))
    y = op.MaxPool(
        op.Transpose(clipped, perm=[0, 3, 1, 2]),
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        dilations=dilations,
        ceil_mode=ceil_mode,
    )
    return op.Transpose(y, perm=[0, 2, 3, 1])


@script(qudnn, default_opset=op)
def FloatAveragePool(
    x,
    kernel_shape: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
    ceil_mode: int,
    count_include_pad: int,
    low: float,
    high: float,
    silu: int,
):
    """float32 `[N,H,W,C]` -> float32 `[N,P,Q,C]`: the mean of each window of what the activation makes of x.

        r = x * sigmoid(x)          where silu is 1, else x clipped to [low, high]

    Padding is left out, or counts as 0. Not both ceil_mode and count_include_pad are 1. A kernel adds up the
    columns of a window, and then these sums: with n pixels it may differ from onnxruntime's CPU provider by
    2^-23 (n + 1) times the mean of the absolute values.
    """
    clipped = op.Clip(x, op.Constant(value_float=low), op.Constant(value_float=high))
    is_silu = op.Equal(op.Constant(value_int=silu), op.Constant(value_int=1))
    r = op.Where(is_silu, op.Mul(x, op.Sigmoid(x)), clipped)
    y = op.AveragePool(
        op.Transpose(r, perm=[0, 3, 1, 2]),
        kernel_shape=kernel_shape,
        pads=pads,
        strides=strides,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )
    return op.Transpose(y, perm=[0, 2, 3, 1])


@script(qudnn, default_opset=op)
def FloatPointwise(x, w, bias, low: float, high: float, silu: int):
    """float32 `[N,C,1...]`, w `[K,C,1...]`, bias `[K]` -> float32 `[N,K,1...]`, in images of one pixel.

        s[n,k] = sum over c of x[n,c] * w[k,c] + bias[k]
        y      = s * sigmoid(s)     where silu is 1, else s clipped to [low, high]

    A kernel adds up in another order than onnxruntime's CPU provider: s may differ by 2^-24 (C + 1) times the
    sum of the absolute products and bias.
    """
    s = op.Conv(x, w, bias)
    clipped = op.Clip(s, op.Constant(value_float=low), op.Constant(value_float=high))
    is_silu = op.Equal(op.Constant(value_int=silu), op.Constant(value_int=1))
    return op.Where(is_silu, op.Mul(s, op.Sigmoid(s)), clipped)
