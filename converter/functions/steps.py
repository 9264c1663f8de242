"""StepsToIsland: what an elementwise function and the quantization after it make of float32 numbers."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def StepsToIsland(x, thresholds, values, perm: Sequence[int], pads: Sequence[int], zero_point: int):
    """float32 -> int8: `values[the number of thresholds that are not above x]`, transposed by perm, padded.

    thresholds: float32 `[T]`, ascending, T from 1 to 4095; values: int8 `[T + 2]`, the last one that of NaN.
    pads has ONNX Pad's form over the transposed dimensions; what it adds has the value zero_point.

    Any function of float32 numbers that takes few values is such one: here, elementwise operators and the
    QuantizeLinear after them. The converter finds the thresholds by running these on onnxruntime's CPU
    provider.
    """
    # Thresholds up to 4095, infinite ones; then how many are not above x, bit by bit from the highest on.
    infinite = op.Expand(op.Constant(value_float=float("inf")), op.Constant(value_ints=[4095]))
    t = op.Concat(thresholds, infinite, axis=0)
    n11 = op.GreaterOrEqual(x, op.Gather(t, op.Constant(value_int=2047)))
    p11 = op.Mul(op.Cast(n11, to=6), op.Cast(op.Constant(value_int=2048), to=6))
    n10 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p11, op.Cast(op.Constant(value_int=1023), to=6))))
    p10 = op.Add(p11, op.Mul(op.Cast(n10, to=6), op.Cast(op.Constant(value_int=1024), to=6)))
    n9 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p10, op.Cast(op.Constant(value_int=511), to=6))))
    p9 = op.Add(p10, op.Mul(op.Cast(n9, to=6), op.Cast(op.Constant(value_int=512), to=6)))
    n8 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p9, op.Cast(op.Constant(value_int=255), to=6))))
    p8 = op.Add(p9, op.Mul(op.Cast(n8, to=6), op.Cast(op.Constant(value_int=256), to=6)))
    n7 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p8, op.Cast(op.Constant(value_int=127), to=6))))
    p7 = op.Add(p8, op.Mul(op.Cast(n7, to=6), op.Cast(op.Constant(value_int=128), to=6)))
    n6 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p7, op.Cast(op.Constant(value_int=63), to=6))))
    p6 = op.Add(p7, op.Mul(op.Cast(n6, to=6), op.Cast(op.Constant(value_int=64), to=6)))
    n5 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p6, op.Cast(op.Constant(value_int=31), to=6))))
    p5 = op.Add(p6, op.Mul(op.Cast(n5, to=6), op.Cast(op.Constant(value_int=32), to=6)))
    n4 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p5, op.Cast(op.Constant(value_int=15), to=6))))
    p4 = op.Add(p5, op.Mul(op.Cast(n4, to=6), op.Cast(op.Constant(value_int=16), to=6)))
    n3 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p4, op.Cast(op.Constant(value_int=7), to=6))))
    p3 = op.Add(p4, op.Mul(op.Cast(n3, to=6), op.Cast(op.Constant(value_int=8), to=6)))
    n2 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p3, op.Cast(op.Constant(value_int=3), to=6))))
    p2 = op.Add(p3, op.Mul(op.Cast(n2, to=6), op.Cast(op.Constant(value_int=4), to=6)))
    n1 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p2, op.Cast(op.Constant(value_int=1), to=6))))
    p1 = op.Add(p2, op.Mul(op.Cast(n1, to=6), op.Cast(op.Constant(value_int=2), to=6)))
    n0 = op.GreaterOrEqual(x, op.Gather(t, op.Add(p1, op.Cast(op.Constant(value_int=0), to=6))))
    p0 = op.Add(p1, op.Mul(op.Cast(n0, to=6), op.Cast(op.Constant(value_int=1), to=6)))
    count = op.Cast(op.Size(thresholds), to=6)
    place = op.Where(op.Less(p0, count), p0, count)  # of infinity, no infinite one counts
    of_nan = op.Add(count, op.Cast(op.Constant(value_int=1), to=6))
    q = op.Gather(values, op.Where(op.IsNaN(x), of_nan, place))
    zp = op.Cast(op.Constant(value_int=zero_point), to=3)
    return op.Pad(op.Transpose(q, perm=perm), op.Constant(value_ints=pads), zp)
