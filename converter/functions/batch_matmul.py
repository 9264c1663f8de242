"""QBatchMatMul, the quantized matmul of two computed tensors, and its forms with other results."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


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
    a_starts: Sequence[int],
    a_ends: Sequence[int],
    b_starts: Sequence[int],
    b_ends: Sequence[int],
    pads: Sequence[int],
    a_zero_point: int,
    y_zero_point: int,
    y_min: int,
    y_max: int,
):
    """int8 a * int8 b -> int8 y, as numpy.matmul multiplies the transposed parts of a and b:

        A   = transpose(slice(a, a_starts, a_ends), a_perm)     int8 [batch..., M, K]
        B   = transpose(slice(b, b_starts, b_ends), b_perm)     int8 [batch..., K, N]
        acc = sum((A - a_zero_point) * (B - b_zero_point[n])) + bias[n]       int32, wrapping
        Y   = saturate(rint(float(acc) * multiplier[n]) + y_zero_point), then into [y_min, y_max]
        y   = transpose(pad(Y, pads), y_perm)

    The batch dimensions are broadcast. bias, multiplier and b_zero_point are `[1]` or `[N]`. A part has a
    start and an end for each axis, none of them negative (an end of 2**63 - 1: that of the axis), and so
    leaves padding out, or is one of several tensors that lie side by side. pads, in ONNX Pad's form, appends
    columns to Y, which the body sets to 0 and a kernel to anything. a_perm and y_perm keep the last axis
    where it is, b_perm makes it one of the last two.
    """
    a_part = op.Slice(a, op.Constant(value_ints=a_starts), op.Constant(value_ints=a_ends))
    b_part = op.Slice(b, op.Constant(value_ints=b_starts), op.Constant(value_ints=b_ends))
    b_s8 = op.Transpose(b_part, perm=b_perm)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(op.Transpose(a_part, perm=a_perm), to=6), shift), to=2)
    a_zp = op.Cast(op.Add(op.Constant(value_int=a_zero_point), op.Constant(value_int=128)), to=2)
    acc = op.Add(op.MatMulInteger(a_u8, b_s8, a_zp, b_zero_point), bias)
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
    a_starts: Sequence[int],
    a_ends: Sequence[int],
    b_starts: Sequence[int],
    b_ends: Sequence[int],
    a_zero_point: int,
):
    """As QBatchMatMul, without requantization -> float32 y of N columns:

    Y = (float(acc) * multiplier[n]) + addend[n]          one rounding after each operation

    addend is `[1]` or `[N]`; -0.0 leaves everything as it is.
    """
    a_part = op.Slice(a, op.Constant(value_ints=a_starts), op.Constant(value_ints=a_ends))
    b_part = op.Slice(b, op.Constant(value_ints=b_starts), op.Constant(value_ints=b_ends))
    b_s8 = op.Transpose(b_part, perm=b_perm)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(op.Transpose(a_part, perm=a_perm), to=6), shift), to=2)
    a_zp = op.Cast(op.Add(op.Constant(value_int=a_zero_point), op.Constant(value_int=128)), to=2)
    acc = op.Add(op.MatMulInteger(a_u8, b_s8, a_zp, b_zero_point), bias)
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
    a_starts: Sequence[int],
    a_ends: Sequence[int],
    b_starts: Sequence[int],
    b_ends: Sequence[int],
    a_zero_point: int,
):
    """As QBatchMatMul -> int32 y of N columns: `Y = sum((A - a_zero_point) * (B - b_zero_point[n]))`."""
    a_part = op.Slice(a, op.Constant(value_ints=a_starts), op.Constant(value_ints=a_ends))
    b_part = op.Slice(b, op.Constant(value_ints=b_starts), op.Constant(value_ints=b_ends))
    b_s8 = op.Transpose(b_part, perm=b_perm)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(op.Transpose(a_part, perm=a_perm), to=6), shift), to=2)
    a_zp = op.Cast(op.Add(op.Constant(value_int=a_zero_point), op.Constant(value_int=128)), to=2)
    return op.Transpose(op.MatMulInteger(a_u8, b_s8, a_zp, b_zero_point), perm=y_perm)
