"""Layer normalizations fused with the addition before them, or with an entry after them.

Optional outputs come first: onnxruntime drops trailing outputs that are left out.
"""

from collections.abc import Sequence

from onnxscript import opset17 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def QAddLayerNormalization(
    a,
    b,
    gamma,
    beta,
    channels: int,
    pads: Sequence[int],
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    sum_scale: float,
    sum_zero_point: int,
    dtype: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
):
    """QLayerNormalization of QAdd: int8 `[..., Cp]` + int8 `[..., Cp]` -> the int8 sum, and int8 `[..., Cp]`.

    Both formulas as they are, with the sum rounded to int8 between them. a and b have one shape. The zero
    points of a, b and the sum are those of dtype (2 uint8, 3 int8), that of y is the island's. A node may
    leave the sum out.
    """
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Cast(op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0)), to=6)
    added = microsoft.QLinearAdd(
        op.Cast(op.Add(op.Cast(a, to=6), offset), to=dtype),
        op.Constant(value_float=a_scale),
        op.Cast(op.Constant(value_int=a_zero_point), to=dtype),
        op.Cast(op.Add(op.Cast(b, to=6), offset), to=dtype),
        op.Constant(value_float=b_scale),
        op.Cast(op.Constant(value_int=b_zero_point), to=dtype),
        op.Constant(value_float=sum_scale),
        op.Cast(op.Constant(value_int=sum_zero_point), to=dtype),
    )
    last = op.Constant(value_ints=[-1])
    first = op.Reshape(op.Constant(value_int=channels), last)
    kept = op.Slice(added, op.Constant(value_ints=[0]), first, last)
    sum_zp = op.Cast(op.Constant(value_int=sum_zero_point), to=dtype)
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    r = op.DequantizeLinear(kept, op.Constant(value_float=sum_scale), sum_zp)
    normalized = op.LayerNormalization(r, gamma, beta, axis=-1, epsilon=epsilon)
    y = op.QuantizeLinear(normalized, op.Constant(value_float=y_scale), y_zp)
    return op.Cast(op.Sub(op.Cast(added, to=6), offset), to=3), op.Pad(y, op.Constant(value_ints=pads))


@script(qudnn, default_opset=op)
def QFloatAddLayerNormalization(
    a,
    b,
    gamma,
    beta,
    channels: int,
    pads: Sequence[int],
    a_scale: float,
    a_zero_point: int,
    b_scale: float,
    b_zero_point: int,
    sum_scale: float,
    sum_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
):
    """QLayerNormalization of QFloatAdd, as QAddLayerNormalization is of QAdd; all zero points are int8's."""
    a_zp = op.Cast(op.Constant(value_int=a_zero_point), to=3)
    b_zp = op.Cast(op.Constant(value_int=b_zero_point), to=3)
    sum_zp = op.Cast(op.Constant(value_int=sum_zero_point), to=3)
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    a_real = op.DequantizeLinear(a, op.Constant(value_float=a_scale), a_zp)
    b_real = op.DequantizeLinear(b, op.Constant(value_float=b_scale), b_zp)
    added = op.QuantizeLinear(op.Sum(a_real, b_real), op.Constant(value_float=sum_scale), sum_zp)
    last = op.Constant(value_ints=[-1])
    first = op.Reshape(op.Constant(value_int=channels), last)
    kept = op.Slice(added, op.Constant(value_ints=[0]), first, last)
    r = op.DequantizeLinear(kept, op.Constant(value_float=sum_scale), sum_zp)
    normalized = op.LayerNormalization(r, gamma, beta, axis=-1, epsilon=epsilon)
    y = op.QuantizeLinear(normalized, op.Constant(value_float=y_scale), y_zp)
    total = op.Identity(added)  # its own name, since a node may leave it out
    return total, op.Pad(y, op.Constant(value_ints=pads))


@script(qudnn, default_opset=op)
def AddLayerNormalizationToIsland(
    x,
    bias,
    residual,
    gamma,
    beta,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    residual_scale: float,
    residual_zero_point: int,
    q_scale: float,
    q_zero_point: int,
    epsilon: float,
):
    """int8 `[..., Cp]` + float32 `[C]` + residual, normalized -> float32 `[..., C]`, and int8 `[..., Cp]`.

        r   = (residual - residual_zero_point) * residual_scale
        sum = ((x - x_zero_point) * x_scale + bias) + r
        y   = gamma * (sum - mean(sum)) / sqrt(variance(sum) + epsilon) + beta
        q   = saturate(rint(y / q_scale) + q_zero_point)

    in float32, over the first `channels` C. residual is int8 `[..., Cp]` or, with a scale of 1 and a zero
    point of 0, float32 `[..., C]`; a bias of -0.0 leaves everything as it is. Results: sum, y, and q with
    padding channels of 0, appended by pads in ONNX Pad's form. A node may leave out sum and y.

    y has the bits of LayerNormalization. onnxruntime's CPU provider computes this body otherwise where it
    makes a SkipLayerNormalization of it: of tensors with three dimensions, where nobody reads the sum.
    There, mean and variance are rounded differently; q differs by at most 1 (onnxruntime 1.30,
    skip_layer_norm_fusion.cc, SkipLayerNormFusion).
    """
    last = op.Constant(value_ints=[-1])
    first = op.Reshape(op.Constant(value_int=channels), last)
    kept = op.Slice(x, op.Constant(value_ints=[0]), first, last)
    x_zp = op.Cast(op.Constant(value_int=x_zero_point), to=3)
    biased = op.Add(op.DequantizeLinear(kept, op.Constant(value_float=x_scale), x_zp), bias)
    rest = op.Slice(op.Sum(op.Cast(residual, to=1)), op.Constant(value_ints=[0]), first, last)
    residual_zp = op.Cast(op.Constant(value_int=residual_zero_point), to=1)
    r = op.Mul(op.Sub(rest, residual_zp), op.Constant(value_float=residual_scale))
    total = op.Add(biased, r)
    y = op.LayerNormalization(total, gamma, beta, axis=-1, epsilon=epsilon)
    q_zp = op.Cast(op.Constant(value_int=q_zero_point), to=3)
    q = op.QuantizeLinear(y, op.Constant(value_float=q_scale), q_zp)
    return total, y, op.Pad(q, op.Constant(value_ints=pads))


@script(qudnn, default_opset=op)
def LayerNormalizationToIsland(
    x, gamma, beta, pads: Sequence[int], q_scale: float, q_zero_point: int, epsilon: float
):
    """float32 `[..., C]`, normalized over the last axis -> float32 `[..., C]`, and int8 `[..., Cp]`.

        y = gamma * (x - mean(x)) / sqrt(variance(x) + epsilon) + beta
        q = saturate(rint(y / q_scale) + q_zero_point)

    in float32, with the bits of LayerNormalization. Results: y, which a node may leave out, and q with
    padding channels of 0, appended by pads in ONNX Pad's form.
    """
    y = op.LayerNormalization(x, gamma, beta, axis=-1, epsilon=epsilon)
    q_zp = op.Cast(op.Constant(value_int=q_zero_point), to=3)
    q = op.QuantizeLinear(y, op.Constant(value_float=q_scale), q_zp)
    return y, op.Pad(q, op.Constant(value_ints=pads))
