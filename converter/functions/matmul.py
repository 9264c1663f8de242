"""QMatMul, the quantized matmul with constant weights, and its other forms."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.add import QAdd
from qudnn.converter.functions.opsets import qudnn
from qudnn.converter.functions.table import QTable
from qudnn.converter.functions.where import QWhere


@script(qudnn, default_opset=op)
def QMatMul(x, w, bias, multiplier, y_zero_point: int, y_min: int, y_max: int):
    """int8 `[..., Cp]` * int8 `[Kp, Cp]`, transposed -> int8 `[..., Kp]`.

        acc = sum(x * w) + bias[k]            int32, wrapping
        y   = saturate(rint(float(acc) * multiplier[k]) + y_zero_point), then into [y_min, y_max]

    `bias` holds `- x_zero_point * sum(w)` already. The body multiplies x + 128 as uint8 with zero point
    128: onnxruntime's uint8 * int8 kernels are the faster ones.
    """
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    product = op.MatMulInteger(x_u8, op.Transpose(w, perm=[1, 0]), op.Cast(shift, to=2))
    acc = op.Add(product, bias)
    r = op.Mul(op.Cast(acc, to=1), multiplier)
    y = op.QuantizeLinear(r, op.Constant(value_float=1.0), y_zp)
    return op.Clip(y, low, high)


@script(qudnn, default_opset=op)
def QMatMulTable(x, w, bias, multiplier, table, y_zero_point: int, y_min: int, y_max: int):
    """QTable of QMatMul, int8 `[..., Cp]` -> int8 `[..., Kp]`: one table [256] for all channels.

    Both formulas as they are, with the matmul's result rounded to int8 between them.
    """
    y = QMatMul(x, w, bias, multiplier, y_zero_point=y_zero_point, y_min=y_min, y_max=y_max)
    return QTable(y, table, y_zero_point=0, y_pads=[0])


@script(qudnn, default_opset=op)
def QMatMulAdd(
    x,
    constant,
    w,
    bias,
    multiplier,
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
    """QAdd of QMatMul, int8 `[..., Kp]`, and a constant, int8 `[Kp]`: in this order if result_first is 1.

    Both formulas as they are, with the matmul's result rounded to int8 between them. The zero points of a, b
    and the sum are those of dtype (2 uint8, 3 int8), the others are the island's.
    """
    y = QMatMul(x, w, bias, multiplier, y_zero_point=y_zero_point, y_min=y_min, y_max=y_max)
    first = op.Cast(op.Constant(value_int=result_first), to=9)
    return QAdd(
        QWhere(first, y, constant),
        QWhere(first, constant, y),
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        y_scale=sum_scale,
        y_zero_point=sum_zero_point,
        dtype=dtype,
    )


@script(qudnn, default_opset=op)
def QMatMulAddTable(
    x,
    constant,
    w,
    bias,
    multiplier,
    table,
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
    """QTable of QMatMulAdd, int8 `[..., Cp]` -> int8 `[..., Kp]`: one table [256] for all channels."""
    y = QMatMulAdd(
        x,
        constant,
        w,
        bias,
        multiplier,
        y_zero_point=y_zero_point,
        y_min=y_min,
        y_max=y_max,
        a_scale=a_scale,
        a_zero_point=a_zero_point,
        b_scale=b_scale,
        b_zero_point=b_zero_point,
        sum_scale=sum_scale,
        sum_zero_point=sum_zero_point,
        dtype=dtype,
        result_first=result_first,
    )
    return QTable(y, table, y_zero_point=0, y_pads=[0])


@script(qudnn, default_opset=op)
def QProjections(x, w, bias, multiplier, y_zero_point):
    """int8 `[..., Cp]` * int8 `[Kp, Cp]`, transposed -> int8 `[..., Kp]`, each channel with its zero point.

        acc = sum(x * w) + bias[k]            int32, wrapping
        y   = saturate(rint(float(acc) * multiplier[k]) + y_zero_point[k])

    Several QMatMul of one x in one matmul: each has had its own zero point. They are float32, whole numbers
    in [-128, 127]; multipliers are finite. `bias` holds `- x_zero_point * sum(w)` already.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    product = op.MatMulInteger(x_u8, op.Transpose(w, perm=[1, 0]), op.Cast(shift, to=2))
    acc = op.Add(product, bias)
    r = op.Mul(op.Cast(acc, to=1), multiplier)
    low = op.Constant(value_float=-128.0)
    high = op.Constant(value_float=127.0)
    return op.Cast(op.Clip(op.Add(op.Round(r), y_zero_point), low, high), to=3)


@script(qudnn, default_opset=op)
def QMatMulToFloat(x, w, bias, multiplier, addend):
    """int8 `[..., Cp]` * int8 `[K, Cp]`, transposed -> float32 `[..., K]`, outside of the island.

        acc = sum(x * w) + bias[k]            int32, wrapping
        y   = (float(acc) * multiplier[k]) + addend[k]        one rounding after each operation

    `bias` holds `- x_zero_point * sum(w)` already; an addend of -0.0 leaves everything as it is.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    product = op.MatMulInteger(x_u8, op.Transpose(w, perm=[1, 0]), op.Cast(shift, to=2))
    return op.Add(op.Mul(op.Cast(op.Add(product, bias), to=1), multiplier), addend)
