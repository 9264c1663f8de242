"""The first convolution of an image network and the max pool of its results, in an island or entering it."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.border import QuantizeToIsland
from qudnn.converter.functions.conv import QConv
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.pool import QMaxPool


@script(qudnn, default_opset=op)
def QConvMaxPool(
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
    kernel_shape: Sequence[int],
    pool_pads: Sequence[int],
    pool_strides: Sequence[int],
    y_pads: Sequence[int] = (0, 0, 0, 0, 0, 0, 0, 0),
):
    """QMaxPool of QConv: int8 `[N,H,W,Cp]` * int8 `[Kp,R,S,Cp/group]` -> int8 `[N,P,Q,Kp]`, within y_pads.

    Multipliers are finite and not negative, so that the largest result is that of the largest sum.
    """
    y = QConv(
        x,
        w,
        bias,
        multiplier,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        x_zero_point=x_zero_point,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    return QMaxPool(
        y,
        kernel_shape=kernel_shape,
        pads=pool_pads,
        strides=pool_strides,
        dilations=[1, 1],
        ceil_mode=0,
        y_zero_point=y_zero_point,
        y_pads=y_pads,
    )


@script(qudnn, default_opset=op)
def ConvMaxPoolToIsland(
    x,
    w,
    bias,
    multiplier,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_scale: float,
    x_zero_point: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
    kernel_shape: Sequence[int],
    pool_pads: Sequence[int],
    pool_strides: Sequence[int],
    y_pads: Sequence[int] = (0, 0, 0, 0, 0, 0, 0, 0),
    x_dtype: int = 1,
):
    """QConvMaxPool of QuantizeToIsland: float32 or float16 `[N,3,H,W]` -> int8 `[N,P,Q,Kp]`, within y_pads.

    w has 4 channels, of which the last multiplies x_zero_point. With x_dtype 10 a float32 image is rounded to
    float16 first, with 1 it is not. float16 becomes float32 before it is divided, as in onnxruntime's
    QuantizeLinear (core/providers/cpu/quantization/quantize_linear.cc, 1.31).
    """
    entered = QuantizeToIsland(
        op.Cast(op.Cast(x, to=x_dtype), to=1),
        perm=[0, 2, 3, 1],
        pads=[0, 0, 0, 0, 0, 0, 0, 1],
        scale=x_scale,
        zero_point=x_zero_point,
    )
    return QConvMaxPool(
        entered,
        w,
        bias,
        multiplier,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        x_zero_point=x_zero_point,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
        kernel_shape=kernel_shape,
        pool_pads=pool_pads,
        pool_strides=pool_strides,
        y_pads=y_pads,
    )
