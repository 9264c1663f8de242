"""Dynamic quantization: scale and zero point are found at run time, and stay on the GPU."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import opset17 as op17
from onnxscript import script

from converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def DynamicQuantizeToIsland(x, perm: Sequence[int], pads: Sequence[int]):
    """float32 -> int8 y, float32 scale `[]`, int8 zero_point `[]`, with DynamicQuantizeLinear's formula:

        low, high  = min(0, min(x)), max(0, max(x))
        scale      = (high - low) / 255, or 1 where they are equal
        zero_point = rint(clamp(0 - low / scale, 0, 255)) - 128
        y          = saturate(rint(x / scale) + zero_point)

    y is then transposed by perm and padded by pads (of ONNX Pad's form) with the zero point.
    """
    q, scale, zero_point_u8 = op.DynamicQuantizeLinear(x)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    zero_point = op.Cast(op.Sub(op.Cast(zero_point_u8, to=6), shift), to=3)
    y = op.Cast(op.Sub(op.Cast(op.Transpose(q, perm=perm), to=6), shift), to=3)
    return op.Pad(y, op.Constant(value_ints=pads), zero_point), op.Identity(scale), zero_point


@script(qudnn, default_opset=op)
def DynamicGeluToIsland(x, perm: Sequence[int], pads: Sequence[int], divisor: float, factor: float):
    """DynamicQuantizeToIsland of Gelu: float32 -> int8 y, float32 scale `[]`, int8 zero_point `[]`.

        g = 0.5 * (x * (1 + erf(x / divisor * factor)))

    in float32. Of divisor and factor one is 1, the other sqrt(2) or sqrt(1/2), rounded: the quotient has
    other bits than the product, which ONNX's Gelu is on onnxruntime's CPU provider. Where a model divides,
    onnxruntime makes that a Gelu at its level extended; so it does here. Both negative they give the same
    bits, and no Gelu: for a model of which onnxruntime makes none.
    """
    argument = op.Mul(op.Div(x, op.Constant(value_float=divisor)), op.Constant(value_float=factor))
    doubled = op.Mul(x, op.Add(op.Erf(argument), op.Constant(value_float=1.0)))
    gelu = op.Mul(doubled, op.Constant(value_float=0.5))
    y, scale, zero_point = DynamicQuantizeToIsland(gelu, perm=perm, pads=pads)
    return y, scale, zero_point


@script(qudnn, default_opset=op17)
def DynamicLayerNormalizationToIsland(x, gamma, beta, pads: Sequence[int], epsilon: float):
    """float32 `[..., C]`, normalized over the last axis -> float32 `[..., C]`; and that, quantized:

        y = gamma * (x - mean(x)) / sqrt(variance(x) + epsilon) + beta

    in float32, with the bits of LayerNormalization. Results: y, which a node may leave out, then int8 q
    `[..., Cp]`, float32 scale `[]` and int8 zero_point `[]`, which are DynamicQuantizeToIsland's of y.
    """
    y = op17.LayerNormalization(x, gamma, beta, axis=-1, epsilon=epsilon)
    u8, scale, zero_point_u8 = op17.DynamicQuantizeLinear(y)
    shift = op17.Cast(op17.Constant(value_int=128), to=6)
    zero_point = op17.Cast(op17.Sub(op17.Cast(zero_point_u8, to=6), shift), to=3)
    q = op17.Cast(op17.Sub(op17.Cast(u8, to=6), shift), to=3)
    return y, op17.Pad(q, op17.Constant(value_ints=pads), zero_point), op17.Identity(scale), zero_point


@script(qudnn, default_opset=op17)
def DynamicAddLayerNormalizationToIsland(a, b, gamma, beta, pads: Sequence[int], epsilon: float):
    """DynamicLayerNormalizationToIsland of a + b, both float32 `[..., C]`. Results: a + b, then those of it.

    A node may leave out a + b and y. y has the bits of LayerNormalization. onnxruntime's CPU provider
    computes this body otherwise where it makes a SkipLayerNormalization of it: of tensors with three
    dimensions. There, mean and variance are rounded differently.
    """
    total = op17.Add(a, b)
    y, q, scale, zero_point = DynamicLayerNormalizationToIsland(
        total, gamma, beta, pads=pads, epsilon=epsilon
    )
    return total, y, q, scale, zero_point


@script(qudnn, default_opset=op)
def DynamicQMatMul(x, x_scale, x_zero_point, w, w_sum, w_scale, addend):
    """int8 `[..., Cp]` * int8 `[K, Cp]`, transposed -> float32 `[..., K]`.

        acc = sum(x * w) - x_zero_point * w_sum[k]            int32, wrapping
        y   = (float(acc) * (x_scale * w_scale[k])) + addend[k]        one rounding after each operation

    x_scale `[]` and x_zero_point `[]` are DynamicQuantizeToIsland's; w_sum[k] is the sum of w[k, :].
    An addend of -0.0 leaves everything as it is. The body subtracts the negative addend, which is the
    same: an addition onnxruntime would fuse with a Gelu or LayerNormalization behind it, for other bits.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    product = op.MatMulInteger(x_u8, op.Transpose(w, perm=[1, 0]), op.Cast(shift, to=2))
    acc = op.Sub(product, op.Mul(op.Cast(x_zero_point, to=6), w_sum))
    return op.Sub(op.Mul(op.Cast(acc, to=1), op.Mul(x_scale, w_scale)), op.Neg(addend))


@script(qudnn, default_opset=op)
def DynamicQConv(
    x,
    x_scale,
    x_zero_point,
    w,
    w_sum,
    w_scale,
    addend,
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
):
    """int8 `[N,H,W,Cp]` * int8 `[Kp,R,S,Cp/group]` -> float32 `[N,P,Q,Kp]`; as DynamicQMatMul.

    Without padding: DynamicQuantizeToIsland has padded x with the zero point.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    product = op.ConvInteger(
        op.Transpose(x_u8, perm=[0, 3, 1, 2]),
        op.Transpose(w, perm=[0, 3, 1, 2]),
        op.Cast(shift, to=2),
        strides=strides,
        dilations=dilations,
        group=group,
    )
    acc = op.Sub(op.Transpose(product, perm=[0, 2, 3, 1]), op.Mul(op.Cast(x_zero_point, to=6), w_sum))
    return op.Sub(op.Mul(op.Cast(acc, to=1), op.Mul(x_scale, w_scale)), op.Neg(addend))
