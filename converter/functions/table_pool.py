"""Means of a function of a quantized tensor that a model computes in float32, quantized again or not."""

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QTableGlobalAveragePoolToFloat(x, table):
    """int8 `[N,spatial...,Cp]`, float32 table -> float32 `[N,1...,Cp]`, outside of the island.

        real = table[x + 128]               a table [256] for all channels, or
        real = table[c, x + 128]            [Cp, 256] with a row for each
        y    = mean(real)

    The sum is that of GlobalAveragePool (onnxruntime 1.31, MLAS' pooling.cpp, MlasPoolGlobalKernel), each
    addition rounded to float32: the pixels in raster order go to four sums in turn, (s0 + s2) + (s1 + s3),
    then the pixels beyond the last four. The converter fills the table by running what stands between
    DequantizeLinear and the pool on onnxruntime's CPU provider over all 256 inputs.
    """
    last = op.Constant(value_ints=[-1])
    first = op.Constant(value_ints=[0])
    one = op.Constant(value_ints=[1])
    zero = op.Constant(value_int=0)
    starts = op.Reshape(
        op.Range(zero, op.Size(table), op.Constant(value_int=256)), op.Slice(op.Shape(table), first, last)
    )
    places = op.Add(op.Cast(x, to=6), op.Cast(op.Add(starts, op.Constant(value_int=128)), to=6))
    real = op.Gather(op.Reshape(table, last), places)
    shape = op.Shape(x)
    batch = op.Slice(shape, first, one)
    spatial = op.Slice(shape, one, last)
    channels = op.Slice(shape, last, op.Constant(value_ints=[2**31 - 1]))
    pixels = op.ReduceProd(spatial, keepdims=1)
    rows = op.Reshape(real, op.Concat(batch, pixels, channels, axis=0))
    mean = op.GlobalAveragePool(op.Transpose(rows, perm=[0, 2, 1]))
    ones = op.Add(op.Mul(spatial, zero), one)
    return op.Reshape(mean, op.Concat(batch, ones, channels, axis=0))


@script(qudnn, default_opset=op)
def QTableGlobalAveragePool(x, table, y_scale: float, y_zero_point: int):
    """int8 `[N,spatial...,Cp]`, float32 table -> int8 `[N,1...,Cp]`, with the bits of onnxruntime's steps.

        y = saturate(rint(mean / y_scale) + y_zero_point)

    of the mean that QTableGlobalAveragePoolToFloat gives.
    """
    mean = QTableGlobalAveragePoolToFloat(x, table)
    return op.QuantizeLinear(
        mean, op.Constant(value_float=y_scale), op.Cast(op.Constant(value_int=y_zero_point), to=3)
    )
