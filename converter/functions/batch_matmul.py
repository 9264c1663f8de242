"""QBatchMatMul, the quantized matrix product of two computed tensors, and its forms with other results."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QBatchMatMul(
    a,
    b,
    bias,
    multiplier,
    b_zero_point,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    y_perm: Sequence[int],
    depth: int,
    columns: int,
    pads: Sequence[int],
    a_zero_point: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 a * int8 b -> int8 y, as numpy.matmul multiplies the transposed a and b:

        A   = transpose(a, a_perm)[..., :depth]               int8 [batch..., M, K]
        B   = transpose(b, b_perm)[..., :depth, :columns]     int8 [batch..., K, N]
        acc = sum((A - a_zero_point) * (B - b_zero_point[n])) + bias[n]       int32, wrapping
        Y   = saturate(rint(float(acc) * multiplier[n]) + y_zero_point), then into [y_min, y_max]
        y   = transpose(pad(Y, pads), y_perm)

    The batch dimensions are broadcast. bias, multiplier and b_zero_point are `[1]` or `[N]`. What lies
    beyond depth and columns is padding (2**63 - 1: there is none). pads, in ONNX Pad's form, appends
    columns to Y, which the body sets to 0 and a kernel to anything. a_perm and y_perm keep the last axis
    where it is, b_perm makes it one of the last two.
    """
    zero = op.Constant(value_ints=[0])
    last = op.Constant(value_ints=[-1])
    k = op.Reshape(op.Constant(value_int=depth), last)
    n = op.Reshape(op.Constant(value_int=columns), last)
    a_rows = op.Slice(op.Transpose(a, perm=a_perm), zero, k, last)
    b_rows = op.Slice(op.Transpose(b, perm=b_perm), zero, k, op.Constant(value_ints=[-2]))
    b_columns = op.Slice(b_rows, zero, n, last)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(a_rows, to=6), shift), to=2)
    a_zp = op.Cast(op.Add(op.Constant(value_int=a_zero_point), op.Constant(value_int=128)), to=2)
    acc = op.Add(op.MatMulInteger(a_u8, b_columns, a_zp, b_zero_point), bias)
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    low = op.Cast(op.Constant(value_int=y_min), to=3)
    high = op.Cast(op.Constant(value_int=y_max), to=3)
    r = op.Mul(op.Cast(acc, to=1), multiplier)
    y = op.Clip(op.QuantizeLinear(r, op.Constant(value_float=1.0), y_zp), low, high)
    return op.Transpose(op.Pad(y, op.Constant(value_ints=pads)), perm=y_perm)


@script(qudnn, default_opset=op)
def QBatchMatMulToFloat(
    a,
    b,
    bias,
    multiplier,
    b_zero_point,
    addend,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    y_perm: Sequence[int],
    depth: int,
    columns: int,
    a_zero_point: int,
):
    """As QBatchMatMul, without requantization -> float32 y of N columns:

    Y = (float(acc) * multiplier[n]) + addend[n]          one rounding after each operation

    addend is `[1]` or `[N]`; -0.0 leaves everything as it is.
    """
    zero = op.Constant(value_ints=[0])
    last = op.Constant(value_ints=[-1])
    k = op.Reshape(op.Constant(value_int=depth), last)
    n = op.Reshape(op.Constant(value_int=columns), last)
    a_rows = op.Slice(op.Transpose(a, perm=a_perm), zero, k, last)
    b_rows = op.Slice(op.Transpose(b, perm=b_perm), zero, k, op.Constant(value_ints=[-2]))
    b_columns = op.Slice(b_rows, zero, n, last)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(a_rows, to=6), shift), to=2)
    a_zp = op.Cast(op.Add(op.Constant(value_int=a_zero_point), op.Constant(value_int=128)), to=2)
    acc = op.Add(op.MatMulInteger(a_u8, b_columns, a_zp, b_zero_point), bias)
    y = op.Add(op.Mul(op.Cast(acc, to=1), multiplier), addend)
    return op.Transpose(y, perm=y_perm)


@script(qudnn, default_opset=op)
def QBatchMatMulToInt32(
    a,
    b,
    b_zero_point,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    y_perm: Sequence[int],
    depth: int,
    columns: int,
    a_zero_point: int,
):
    """As QBatchMatMul -> int32 y of N columns: `Y = sum((A - a_zero_point) * (B - b_zero_point[n]))`."""
    zero = op.Constant(value_ints=[0])
    last = op.Constant(value_ints=[-1])
    k = op.Reshape(op.Constant(value_int=depth), last)
    n = op.Reshape(op.Constant(value_int=columns), last)
    a_rows = op.Slice(op.Transpose(a, perm=a_perm), zero, k, last)
    b_rows = op.Slice(op.Transpose(b, perm=b_perm), zero, k, op.Constant(value_ints=[-2]))
    b_columns = op.Slice(b_rows, zero, n, last)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(a_rows, to=6), shift), to=2)
    a_zp = op.Cast(op.Add(op.Constant(value_int=a_zero_point), op.Constant(value_int=128)), to=2)
    return op.Transpose(op.MatMulInteger(a_u8, b_columns, a_zp, b_zero_point), perm=y_perm)
