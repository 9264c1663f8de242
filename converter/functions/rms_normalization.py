"""AddRMSNormalizationToIsland: com.microsoft's SkipSimplifiedLayerNormalization between an island's tensors.

Optional outputs come first: onnxruntime drops trailing outputs that are left out.
"""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def AddRMSNormalizationToIsland(
    x,
    bias,
    residual,
    gamma,
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
    """int8 `[..., Cp]` + residual + float32 `[C]`, normalized -> float32 `[..., C]`, and int8 `[..., Cp]`.

        r   = (residual - residual_zero_point) * residual_scale
        sum = ((x - x_zero_point) * x_scale + r) + bias
        y   = sum / sqrt(mean(sum * sum) + epsilon) * gamma
        q   = saturate(rint(y / q_scale) + q_zero_point)

    in float32 with one rounding after each operation, over the first `channels` C; squares are added one by
    one, in order. residual is int8 `[..., Cp]` or, with a scale of 1 and a zero point of 0, float32
    `[..., C]`; a bias of -0.0 leaves everything as it is. Results: sum, y, and q with padding channels of 0,
    appended by pads in ONNX Pad's form. A node may leave out sum and y.

    These are the bits of SkipSimplifiedLayerNormalization (onnxruntime 1.31, skip_layer_norm.cc), of two or
    three dimensions. onnxruntime 1.18 leaves out the bias there, and so does this body.
    """
    last = op.Constant(value_ints=[-1])
    first = op.Reshape(op.Constant(value_int=channels), last)
    kept = op.Slice(x, op.Constant(value_ints=[0]), first, last)
    x_zp = op.Cast(op.Constant(value_int=x_zero_point), to=3)
    x_real = op.DequantizeLinear(kept, op.Constant(value_float=x_scale), x_zp)
    rest = op.Slice(op.Sum(op.Cast(residual, to=1)), op.Constant(value_ints=[0]), first, last)
    residual_zp = op.Cast(op.Constant(value_int=residual_zero_point), to=1)
    r = op.Mul(op.Sub(rest, residual_zp), op.Constant(value_float=residual_scale))
    y, _mean, _deviation, total = microsoft.SkipSimplifiedLayerNormalization(
        x_real, r, gamma, bias, epsilon=epsilon
    )
    q_zp = op.Cast(op.Constant(value_int=q_zero_point), to=3)
    q = op.QuantizeLinear(y, op.Constant(value_float=q_scale), q_zp)
    return total, y, op.Pad(q, op.Constant(value_ints=pads))
