"""QTableAdd, QTableMul and QTableDiv, of functions of two tensors that a model computes in float32."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QTableAdd(a, b, a_table, b_table, y_scale, y_zero_point: int, y_min: int, y_max: int):
    """int8, int8, broadcast, float32 tables -> int8, with the bits of Add, Clip, QuantizeLinear.

        real = a_table[a + 128] + b_table[b + 128]        a table [256] for all
        real = a_table[c, a + 128] + ...                  or [Cp, 256] for each channel c of the result
        y    = rint(clamp(real / y_scale, -128 - y_zp, 127 - y_zp)) + y_zp, then into [y_min, y_max]

    with one rounding after each float32 operation; y_scale is float32 `[1]`, or `[Cp]` for each
    channel. The converter fills a table by running what stands between DequantizeLinear and the Add on
    onnxruntime's CPU provider over all 256 inputs.
    """
    # Where the tables begin, of the shape [] or [Cp]: constants, as the tables are.
    last = op.Constant(value_ints=[-1])
    first = op.Constant(value_ints=[0])
    zero = op.Constant(value_int=0)
    length = op.Constant(value_int=256)
    middle = op.Constant(value_int=128)
    a_starts = op.Reshape(op.Range(zero, op.Size(a_table), length), op.Slice(op.Shape(a_table), first, last))
    b_starts = op.Reshape(op.Range(zero, op.Size(b_table), length), op.Slice(op.Shape(b_table), first, last))
    a_places = op.Add(op.Cast(a, to=6), op.Cast(op.Add(a_starts, middle), to=6))
    b_places = op.Add(op.Cast(b, to=6), op.Cast(op.Add(b_starts, middle), to=6))
    a_real = op.Gather(op.Reshape(a_table, last), a_places)
    b_real = op.Gather(op.Reshape(b_table, last), b_places)
    y = op.QuantizeLinear(
        op.Div(op.Add(a_real, b_real), y_scale),
        op.Constant(value_float=1.0),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
    )
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    return op.Clip(y, low, high)


@script(qudnn, default_opset=op)
def QTableMul(a, b, a_table, b_table, y_scale, y_zero_point: int, y_min: int, y_max: int):
    """int8, int8, broadcast, float32 tables -> int8, with the bits of Mul, Clip, QuantizeLinear.

    As QTableAdd, with real = a_table[a + 128] * b_table[b + 128].
    """
    last = op.Constant(value_ints=[-1])
    first = op.Constant(value_ints=[0])
    zero = op.Constant(value_int=0)
    length = op.Constant(value_int=256)
    middle = op.Constant(value_int=128)
    a_starts = op.Reshape(op.Range(zero, op.Size(a_table), length), op.Slice(op.Shape(a_table), first, last))
    b_starts = op.Reshape(op.Range(zero, op.Size(b_table), length), op.Slice(op.Shape(b_table), first, last))
    a_places = op.Add(op.Cast(a, to=6), op.Cast(op.Add(a_starts, middle), to=6))
    b_places = op.Add(op.Cast(b, to=6), op.Cast(op.Add(b_starts, middle), to=6))
    a_real = op.Gather(op.Reshape(a_table, last), a_places)
    b_real = op.Gather(op.Reshape(b_table, last), b_places)
    y = op.QuantizeLinear(
        op.Div(op.Mul(a_real, b_real), y_scale),
        op.Constant(value_float=1.0),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
    )
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    return op.Clip(y, low, high)


@script(qudnn, default_opset=op)
def QTableDiv(a, b, a_table, b_table, y_scale, y_zero_point: int, y_min: int, y_max: int):
    """int8, int8, broadcast, float32 tables -> int8, with the bits of Div, Clip, QuantizeLinear.

    As QTableAdd, with real = a_table[a + 128] / b_table[b + 128]; what is no number gives the least result.
    """
    last = op.Constant(value_ints=[-1])
    first = op.Constant(value_ints=[0])
    zero = op.Constant(value_int=0)
    length = op.Constant(value_int=256)
    middle = op.Constant(value_int=128)
    a_starts = op.Reshape(op.Range(zero, op.Size(a_table), length), op.Slice(op.Shape(a_table), first, last))
    b_starts = op.Reshape(op.Range(zero, op.Size(b_table), length), op.Slice(op.Shape(b_table), first, last))
    a_places = op.Add(op.Cast(a, to=6), op.Cast(op.Add(a_starts, middle), to=6))
    b_places = op.Add(op.Cast(b, to=6), op.Cast(op.Add(b_starts, middle), to=6))
    a_real = op.Gather(op.Reshape(a_table, last), a_places)
    b_real = op.Gather(op.Reshape(b_table, last), b_places)
    y = op.QuantizeLinear(
        op.Div(op.Div(a_real, b_real), y_scale),
        op.Constant(value_float=1.0),
        op.Cast(op.Constant(value_int=y_zero_point), to=3),
    )
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    return op.Clip(y, low, high)
