"""QConvMaxPool, a convolution of an island and the max pool of its results."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

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
