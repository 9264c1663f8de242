"""QLayerNormalization, between an island's tensors, alone and with the mean of its rows.

And QLayerNormalizationToFloat, which leaves the island.
"""

from collections.abc import Sequence

from onnxscript import opset17 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QLayerNormalization(
    x,
    gamma,
    beta,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
):
    """int8 `[..., Cp]`, float32 gamma and beta `[channels]` -> int8 `[..., Cp]`, over the first `channels`:

        r = (x - x_zero_point) * x_scale
        n = gamma * (r - mean(r)) / sqrt(variance(r) + epsilon) + beta
        y = saturate(rint(n / y_scale) + y_zero_point)

    in float32, with the bits of LayerNormalization. pads, in ONNX Pad's form, appends the padding channels,
    which are 0.
    """
    last = op.Constant(value_ints=[-1])
    kept = op.Slice(x, op.Constant(value_ints=[0]), op.Reshape(op.Constant(value_int=channels), last), last)
    x_zp = op.Cast(op.Constant(value_int=x_zero_point), to=3)
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    r = op.DequantizeLinear(kept, op.Constant(value_float=x_scale), x_zp)
    normalized = op.LayerNormalization(r, gamma, beta, axis=-1, epsilon=epsilon)
    y = op.QuantizeLinear(normalized, op.Constant(value_float=y_scale), y_zp)
    return op.Pad(y, op.Constant(value_ints=pads))


@script(qudnn, default_opset=op)
def QLayerNormalizationToFloat(
    x, gamma, beta, channels: int, x_scale: float, x_zero_point: int, epsilon: float
):
    """int8 `[..., Cp]`, float32 gamma and beta `[channels]` -> float32 `[..., channels]`, which has left:

        r = (x - x_zero_point) * x_scale
        y = gamma * (r - mean(r)) / sqrt(variance(r) + epsilon) + beta

    in float32, with the bits of LayerNormalization.
    """
    last = op.Constant(value_ints=[-1])
    kept = op.Slice(x, op.Constant(value_ints=[0]), op.Reshape(op.Constant(value_int=channels), last), last)
    x_zp = op.Cast(op.Constant(value_int=x_zero_point), to=3)
    r = op.DequantizeLinear(kept, op.Constant(value_float=x_scale), x_zp)
    return op.LayerNormalization(r, gamma, beta, axis=-1, epsilon=epsilon)


@script(qudnn, default_opset=op)
def QLayerNormalizationGlobalAveragePool(
    x,
    gamma,
    beta,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    y_scale: float,
    y_zero_point: int,
    epsilon: float,
):
    """int8 `[N,spatial...,Cp]`, float32 gamma and beta `[channels]` -> int8 `[N,1...,Cp]`.

        n = QLayerNormalizationToFloat(x, gamma, beta)
        y = saturate(rint(mean(n) / y_scale) + y_zero_point)

    in float32, with the mean over all pixels of QTableGlobalAveragePoolToFloat: the bits of
    LayerNormalization and GlobalAveragePool. pads, in ONNX Pad's form, appends the padding channels, which
    are 0.
    """
    normalized = QLayerNormalizationToFloat(
        x, gamma, beta, channels=channels, x_scale=x_scale, x_zero_point=x_zero_point, epsilon=epsilon
    )
    last = op.Constant(value_ints=[-1])
    first = op.Constant(value_ints=[0])
    one = op.Constant(value_ints=[1])
    shape = op.Shape(normalized)
    batch = op.Slice(shape, first, one)
    spatial = op.Slice(shape, one, last)
    width = op.Slice(shape, last, op.Constant(value_ints=[2**31 - 1]))
    pixels = op.ReduceProd(spatial, keepdims=1)
    rows = op.Reshape(normalized, op.Concat(batch, pixels, width, axis=0))
    mean = op.GlobalAveragePool(op.Transpose(rows, perm=[0, 2, 1]))
    ones = op.Add(op.Mul(spatial, op.Constant(value_int=0)), one)
    image = op.Reshape(mean, op.Concat(batch, ones, width, axis=0))
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    y = op.QuantizeLinear(image, op.Constant(value_float=y_scale), y_zp)
    return op.Pad(y, op.Constant(value_ints=pads))
