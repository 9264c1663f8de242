"""QConv, the quantized convolution of an island, with int32 results, and with an operator after it."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.add import QAdd
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.table import QTable
from qudnn.converter.functions.where import QWhere


@script(qudnn, default_opset=op)
def QConv(
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
    y_pads: Sequence[int] = (0, 0, 0, 0, 0, 0, 0, 0),
):
    """int8 `[N,H,W,Cp]` * int8 `[Kp,R,S,Cp/group]` -> int8 `[N,P,Q,Kp]`.

        acc = sum(x * w) + bias[k]            int32, wrapping; padding counts as x_zero_point
        y   = saturate(rint(float(acc) * multiplier[k]) + y_zero_point), then into [y_min, y_max]

    y_pads, in ONNX Pad's form, adds pixels around the images of y, for the convolution that reads it: they
    have the value y_zero_point, which stands for the real number 0.

    `bias` holds `- x_zero_point * sum(w)` already. QLinearConv takes that term itself, so the body
    adds it back to the bias; with scales 1, multiplier and 1 its requantization is the one above.
    The body convolves x + 128 as uint8: onnxruntime's uint8 * int8 kernels are an order of magnitude
    faster than its int8 * int8 ones.
    """
    one = op.Constant(value_float=1.0)
    w_zp = op.Cast(op.Constant(value_int=0), to=3)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_zp = op.Cast(op.Add(op.Constant(value_int=x_zero_point), op.Constant(value_int=128)), to=2)
    y_zp = op.Cast(op.Add(op.Constant(value_int=y_zero_point), op.Constant(value_int=128)), to=2)
    low = op.Cast(op.Add(op.Constant(value_int=y_min), op.Constant(value_int=128)), to=2)
    high = op.Cast(op.Add(op.Constant(value_int=y_max), op.Constant(value_int=128)), to=2)
    w_sum = op.ReduceSum(op.Cast(w, to=6), op.Constant(value_ints=[1, 2, 3]), keepdims=0)
    folded = op.Mul(w_sum, op.Cast(op.Constant(value_int=x_zero_point), to=6))
    y = op.QLinearConv(
        op.Transpose(op.Cast(op.Add(op.Cast(x, to=6), shift), to=2), perm=[0, 3, 1, 2]),
        one,
        x_zp,
        op.Transpose(w, perm=[0, 3, 1, 2]),
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
    clipped = op.Transpose(op.Clip(y, low, high), perm=[0, 2, 3, 1])
    padded = op.Pad(clipped, op.Constant(value_ints=y_pads), y_zp)
    return op.Cast(op.Sub(op.Cast(padded, to=6), shift), to=3)


@script(qudnn, default_opset=op)
def QConvToInt32(
    x,
    w,
    bias,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
):
    """int8 `[N,H,W,Cp]` * int8 `[Kp,R,S,Cp/group]` -> int32 `[N,P,Q,Kp]`: `sum(x * w) + bias[k]`.

    Padding counts as x_zero_point; `bias` holds `- x_zero_point * sum(w)` already. The body convolves with
    w + 128 as uint8: onnxruntime before 1.24 has no ConvInteger of int8 weights, newer ones a slow one.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_zp = op.Cast(op.Add(op.Constant(value_int=x_zero_point), op.Constant(value_int=128)), to=2)
    w_sum = op.ReduceSum(op.Cast(w, to=6), op.Constant(value_ints=[1, 2, 3]), keepdims=0)
    folded = op.Mul(w_sum, op.Cast(op.Constant(value_int=x_zero_point), to=6))
    w_u8 = op.Cast(op.Add(op.Cast(w, to=6), shift), to=2)
    product = op.ConvInteger(
        op.Transpose(op.Cast(op.Add(op.Cast(x, to=6), shift), to=2), perm=[0, 3, 1, 2]),
        op.Transpose(w_u8, perm=[0, 3, 1, 2]),
        x_zp,
        op.Cast(shift, to=2),
        pads=pads,
        strides=strides,
        dilations=dilations,
        group=group,
    )
    return op.Add(op.Transpose(product, perm=[0, 2, 3, 1]), op.Add(bias, folded))


@script(qudnn, default_opset=op)
def QConvAdd(
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
    """QAdd of QConv and a residual, int8 `[N,P,Q,Kp]` all: of the residual and QConv where result_first is 0.

    Both formulas as they are, with the convolution's result rounded to int8 between them. The zero points of
    a, b and the sum are those of dtype (2 uint8, 3 int8), the others are the island's.
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
def QConvTable(
    x,
    w,
    bias,
    multiplier,
    table,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    x_zero_point: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
    table_zero_point: int = 0,
    y_pads: Sequence[int] = (0, 0, 0, 0, 0, 0, 0, 0),
):
    """QTable of QConv, int8 `[N,H,W,Cp]` -> int8 `[N,P,Q,Kp]`: one table [256] for all channels.

    Both formulas as they are, with the convolution's result rounded to int8 between them: y_zero_point,
    y_min and y_max are its own. y_pads adds pixels of table_zero_point around what the table gives, which is
    the table's zero point for the real number 0.
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
    return QTable(y, table, y_zero_point=table_zero_point, y_pads=y_pads)
