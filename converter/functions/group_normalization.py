"""QGroupNormalization, between an island's tensors."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QGroupNormalization(
    x,
    gamma,
    beta,
    channels: int,
    pads: Sequence[int],
    view: Sequence[int],
    centered: int,
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
):
    """int8 `[N, ..., Cp]`, float32 gamma and beta `[channels]` -> int8 `[N, ..., Cp]`, over the first.

    view is the target of a Reshape to four dimensions, images, pixels, groups and channels of a group:
    `[0, -1, G, C / G]`, or `[-1, 1, G, C / G]` if each pixel is normalized by itself. Of each group of each
    image, with n elements d = x - x_zero_point:

        mean     = sum(d) / n
        variance = max(sum(d * d) / n - mean * mean, 0)         without mean * mean if centered is 0
        factor_c = gamma_c * (x_scale / sqrt(variance * (x_scale * x_scale) + epsilon))
        term_c   = beta_c - mean * factor_c                     beta_c alone if centered is 0

    The sums are integers, the rest is float64. Then in float32, with one rounding after each operation:

        y = saturate(rint((float(d) * float(factor_c) + float(term_c)) / y_scale) + y_zero_point)

    What is no number gives the least result. pads, in ONNX Pad's form, appends the padding channels: 0.

    This is ONNX's GroupNormalization, InstanceNormalization where each channel is a group, and, not centered,
    RMSNormalization. onnxruntime's CPU provider takes sums in float32: between DequantizeLinear and
    QuantizeLinear its results may differ by one quantum (onnxruntime 1.31, instance_norm.cc,
    layer_norm_impl.cc).
    """
    last = op.Constant(value_ints=[-1])
    ones = op.Constant(value_ints=[1, 1])
    zero = op.Constant(value_ints=[0])
    kept = op.Slice(x, zero, op.Reshape(op.Constant(value_int=channels), last), last)
    shape = op.Constant(value_ints=view)
    d = op.Sub(op.Reshape(op.Cast(kept, to=7), shape), op.Constant(value_int=x_zero_point))
    over = op.Constant(value_ints=[1, 3])
    sizes = op.Shape(d)
    pixels = op.Gather(sizes, op.Constant(value_int=1))
    each = op.Gather(sizes, op.Constant(value_int=3))
    n = op.Cast(op.Mul(pixels, each), to=11)
    average = op.Div(op.Cast(op.ReduceSum(d, over, keepdims=1), to=11), n)
    squares = op.Div(op.Cast(op.ReduceSum(op.Mul(d, d), over, keepdims=1), to=11), n)
    mean = op.Mul(average, op.Cast(op.Constant(value_int=centered), to=11))
    none = op.Cast(op.Constant(value_float=0.0), to=11)
    variance = op.Max(op.Sub(squares, op.Mul(mean, mean)), none)
    scale = op.Cast(op.Constant(value_float=x_scale), to=11)
    small = op.Cast(op.Constant(value_float=epsilon), to=11)
    inverse = op.Div(scale, op.Sqrt(op.Add(op.Mul(variance, op.Mul(scale, scale)), small)))
    of_channels = op.Concat(
        ones, op.Slice(shape, op.Constant(value_ints=[2]), op.Constant(value_ints=[4])), axis=0
    )
    factor = op.Mul(op.Reshape(op.Cast(gamma, to=11), of_channels), inverse)
    term = op.Sub(op.Reshape(op.Cast(beta, to=11), of_channels), op.Mul(mean, factor))
    normalized = op.Add(op.Mul(op.Cast(d, to=1), op.Cast(factor, to=1)), op.Cast(term, to=1))
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    y = op.QuantizeLinear(normalized, op.Constant(value_float=y_scale), y_zp)
    return op.Pad(op.Reshape(y, op.Shape(kept)), op.Constant(value_ints=pads))
