"""The three convolutions of a residual block: QBottleneckAdd with its addition, QBottleneck without.

QBottleneckFloatAdd adds what the last convolution gives before that is rounded.
"""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.add import QAdd
from qudnn.converter.functions.conv import QConv
from qudnn.converter.functions.float_conv import QConvFloatAdd
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.where import QWhere


@script(qudnn, default_opset=op)
def QBottleneck(
    x,
    w_reduce,
    bias_reduce,
    multiplier_reduce,
    w_window,
    bias_window,
    multiplier_window,
    w,
    bias,
    multiplier,
    reduced_zero_point: int,
    reduced_min: int,
    reduced_max: int,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    padding_zero_point: int,
    window_zero_point: int,
    window_min: int,
    window_max: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 `[N,H,W,Cp]` -> int8 `[N,P,Q,Kp]`:

        QConv(QConv(QConv(x, w_reduce), w_window), w)

    with w_reduce `[Mp,1,1,Cp]`, w_window `[Lp,R,S,Mp/group]` and w `[Kp,1,1,Lp]`. pads, strides, dilations
    and group are those of the second, whose padding counts as padding_zero_point; the others are pointwise.
    The zero points of what QConv reads are in its biases; without padding they play no other part.
    """
    reduced = QConv(
        x,
        w_reduce,
        bias_reduce,
        multiplier_reduce,
        pads=[0, 0, 0, 0],
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        y_zero_point=reduced_zero_point,
        y_min=reduced_min,
        y_max=reduced_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    window = QConv(
        reduced,
        w_window,
        bias_window,
        multiplier_window,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        x_zero_point=padding_zero_point,
        y_zero_point=window_zero_point,
        y_min=window_min,
        y_max=window_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    return QConv(
        window,
        w,
        bias,
        multiplier,
        pads=[0, 0, 0, 0],
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )


@script(qudnn, default_opset=op)
def QBottleneckAdd(
    x,
    residual,
    w_reduce,
    bias_reduce,
    multiplier_reduce,
    w_window,
    bias_window,
    multiplier_window,
    w,
    bias,
    multiplier,
    reduced_zero_point: int,
    reduced_min: int,
    reduced_max: int,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    padding_zero_point: int,
    window_zero_point: int,
    window_min: int,
    window_max: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    sum_scale: float,
    sum_zero_point: int,
    dtype: int,
    result_first: int,
):
    """QAdd of QBottleneck and a residual, int8 `[N,P,Q,Kp]` all: of the residual and QBottleneck where
    result_first is 0. The last convolution and the addition are QConvAdd.
    """
    y = QBottleneck(
        x,
        w_reduce,
        bias_reduce,
        multiplier_reduce,
        w_window,
        bias_window,
        multiplier_window,
        w,
        bias,
        multiplier,
        reduced_zero_point=reduced_zero_point,
        reduced_min=reduced_min,
        reduced_max=reduced_max,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        padding_zero_point=padding_zero_point,
        window_zero_point=window_zero_point,
        window_min=window_min,
        window_max=window_max,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
    )
    first = op.Cast(op.Constant(value_int=result_first), to=9)
    return QAdd(
        QWhere(first, y, residual),
        QWhere(first, residual, y),
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        y_scale=sum_scale,
        y_zero_point=sum_zero_point,
        dtype=dtype,
    )


@script(qudnn, default_opset=op)
def QBottleneckFloatAdd(
    x,
    residual,
    w_reduce,
    bias_reduce,
    multiplier_reduce,
    w_window,
    bias_window,
    multiplier_window,
    w,
    bias,
    multiplier,
    reduced_zero_point: int,
    reduced_min: int,
    reduced_max: int,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    padding_zero_point: int,
    window_zero_point: int,
    window_min: int,
    window_max: int,
    r_scale: float,
    r_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """As QBottleneck, but the last one is QConvFloatAdd: int8 `[N,H,W,Cp]`, residual `[N,P,Q,Kp]` -> that.

    QConvFloatAdd(QConv(QConv(x, w_reduce), w_window), residual, w)
    """
    reduced = QConv(
        x,
        w_reduce,
        bias_reduce,
        multiplier_reduce,
        pads=[0, 0, 0, 0],
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        y_zero_point=reduced_zero_point,
        y_min=reduced_min,
        y_max=reduced_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    window = QConv(
        reduced,
        w_window,
        bias_window,
        multiplier_window,
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
        x_zero_point=padding_zero_point,
        y_zero_point=window_zero_point,
        y_min=window_min,
        y_max=window_max,
        y_pads=[0, 0, 0, 0, 0, 0, 0, 0],
    )
    return QConvFloatAdd(
        window,
        residual,
        w,
        bias,
        multiplier,
        pads=[0, 0, 0, 0],
        strides=[1, 1],
        dilations=[1, 1],
        group=1,
        x_zero_point=0,
        r_scale=r_scale,
        r_zero_point=r_zero_point,
        y_scale=y_scale,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
    )
