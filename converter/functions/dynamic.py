"""Dynamic quantization: scale and zero point are found at run time, and never leave the GPU.

They are part of the epilogue of the matmuls that consume the quantized tensor: bias and multiplier, one
number for each output of all of these matmuls, side by side.
"""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import opset17 as op17
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def DynamicQuantizeToIsland(x, w_sum, w_scale, perm: Sequence[int], pads: Sequence[int]):
    """float32 x, w_sum int32 and w_scale float32 `[S]` -> int8 y, bias int32 and multiplier float32 `[S]`:

        low, high  = min(0, min(x)), max(0, max(x))
        scale      = (high - low) / 255, or 1 where they are equal
        zero_point = rint(clamp(0 - low / scale, 0, 255)) - 128
        y          = saturate(rint(x / scale) + zero_point)
        bias       = -zero_point * w_sum            int32, wrapping
        multiplier = scale * w_scale

    with DynamicQuantizeLinear's formula. y is then transposed by perm and padded by pads (of ONNX Pad's form)
    with the zero point. w_sum and w_scale are those of the matmuls that consume y: for each output the sum of
    its weights, and their scale.
    """
    q, scale, zero_point_u8 = op.DynamicQuantizeLinear(x)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    zero_point = op.Sub(op.Cast(zero_point_u8, to=6), shift)
    y = op.Cast(op.Sub(op.Cast(op.Transpose(q, perm=perm), to=6), shift), to=3)
    padded = op.Pad(y, op.Constant(value_ints=pads), op.Cast(zero_point, to=3))
    return padded, op.Mul(op.Neg(zero_point), w_sum), op.Mul(scale, w_scale)


@script(qudnn, default_opset=op)
def DynamicGeluToIsland(
    x, w_sum, w_scale, perm: Sequence[int], pads: Sequence[int], divisor: float, factor: float
):
    """DynamicQuantizeToIsland of Gelu(x):

        g = 0.5 * (x * (1 + erf(x / divisor * factor)))

    in float32. Of divisor and factor one is 1, the other sqrt(2) or sqrt(1/2), rounded: the quotient has
    other bits than the product, which ONNX's Gelu is on onnxruntime's CPU provider. Where a model divides,
    onnxruntime makes that a Gelu at its level extended; so it does here (onnxruntime 1.30, gelu_fusion.cc,
    GeluFusion). Both negative they give the same bits, and no Gelu: for a model of which onnxruntime makes
    none.
    """
    argument = op.Mul(op.Div(x, op.Constant(value_float=divisor)), op.Constant(value_float=factor))
    doubled = op.Mul(x, op.Add(op.Erf(argument), op.Constant(value_float=1.0)))
    gelu = op.Mul(doubled, op.Constant(value_float=0.5))
    y, bias, multiplier = DynamicQuantizeToIsland(gelu, w_sum, w_scale, perm=perm, pads=pads)
    return y, bias, multiplier


@script(qudnn, default_opset=op17)
def DynamicLayerNormalizationToIsland(x, gamma, beta, w_sum, w_scale, pads: Sequence[int], epsilon: float):
    """float32 `[..., C]`, normalized over the last axis -> float32 `[..., C]`; and that, quantized:

        y = gamma * (x - mean(x)) / sqrt(variance(x) + epsilon) + beta

    in float32, with the bits of LayerNormalization. Results: y, which a node may leave out, then q
    `[..., Cp]`, bias and multiplier, which are DynamicQuantizeToIsland's of y.
    """
    y = op17.LayerNormalization(x, gamma, beta, axis=-1, epsilon=epsilon)
    u8, scale, zero_point_u8 = op17.DynamicQuantizeLinear(y)
    shift = op17.Cast(op17.Constant(value_int=128), to=6)
    zero_point = op17.Sub(op17.Cast(zero_point_u8, to=6), shift)
    q = op17.Cast(op17.Sub(op17.Cast(u8, to=6), shift), to=3)
    padded = op17.Pad(q, op17.Constant(value_ints=pads), op17.Cast(zero_point, to=3))
    return y, padded, op17.Mul(op17.Neg(zero_point), w_sum), op17.Mul(scale, w_scale)


@script(qudnn, default_opset=op17)
def DynamicAddLayerNormalizationToIsland(
    a, b, gamma, beta, w_sum, w_scale, pads: Sequence[int], epsilon: float
):
    """DynamicLayerNormalizationToIsland of a + b, both float32 `[..., C]`. Results: a + b, then those of it.

    A node may leave out a + b and y. y has the bits of LayerNormalization. onnxruntime's CPU provider
    computes this body otherwise where it makes a SkipLayerNormalization of it: of tensors with three
    dimensions (onnxruntime 1.30, skip_layer_norm_fusion.cc). There, mean and variance are rounded
    differently.
    """
    total = op17.Add(a, b)
    y, q, bias, multiplier = DynamicLayerNormalizationToIsland(
        total, gamma, beta, w_sum, w_scale, pads=pads, epsilon=epsilon
    )
    return total, y, q, bias, multiplier


@script(qudnn, default_opset=op)
def DynamicQMatMul(x, w, bias, multiplier, addend, first: int):
    """int8 `[..., Cp]` * int8 `[K, Cp]`, transposed -> float32 `[..., K]`, outside of the island.

        acc = sum(x * w) + bias[first + k]            int32, wrapping
        y   = (float(acc) * multiplier[first + k]) + addend[k]        one rounding after each operation

    bias and multiplier `[S]` came with x; an addend of -0.0 leaves everything as it is. That is a
    QMatMulToFloat, but for what onnxruntime may make of the body: an addition it would fuse with a Gelu or
    LayerNormalization after it, for other bits than the original has, where a fused operator adds already
    (onnxruntime 1.30, bias_gelu_fusion.cc, skip_layer_norm_fusion.cc).
    So the body subtracts the negative addend, which is the same.
    """
    start = op.Reshape(op.Constant(value_int=first), op.Constant(value_ints=[1]))
    end = op.Add(start, op.Shape(addend))
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    product = op.MatMulInteger(x_u8, op.Transpose(w, perm=[1, 0]), op.Cast(shift, to=2))
    acc = op.Add(product, op.Slice(bias, start, end))
    return op.Sub(op.Mul(op.Cast(acc, to=1), op.Slice(multiplier, start, end)), op.Neg(addend))


@script(qudnn, default_opset=op)
def DynamicQConv(
    x,
    w,
    bias,
    multiplier,
    addend,
    strides: Sequence[int],
    dilations: Sequence[int],
    group: int,
    first: int,
):
    """int8 `[N,H,W,Cp]` * int8 `[Kp,R,S,Cp/group]` -> float32 `[N,P,Q,Kp]`; as DynamicQMatMul.

    Without padding: DynamicQuantizeToIsland has padded x with the zero point. The body has uint8 weights as
    QConvToInt32's has.
    """
    start = op.Reshape(op.Constant(value_int=first), op.Constant(value_ints=[1]))
    end = op.Add(start, op.Shape(addend))
    shift = op.Cast(op.Constant(value_int=128), to=6)
    x_u8 = op.Cast(op.Add(op.Cast(x, to=6), shift), to=2)
    w_u8 = op.Cast(op.Add(op.Cast(w, to=6), shift), to=2)
    product = op.ConvInteger(
        op.Transpose(x_u8, perm=[0, 3, 1, 2]),
        op.Transpose(w_u8, perm=[0, 3, 1, 2]),
        op.Cast(shift, to=2),
        op.Cast(shift, to=2),
        strides=strides,
        dilations=dilations,
        group=group,
    )
    acc = op.Add(op.Transpose(product, perm=[0, 2, 3, 1]), op.Slice(bias, start, end))
    return op.Sub(op.Mul(op.Cast(acc, to=1), op.Slice(multiplier, start, end)), op.Neg(addend))


@script(qudnn, default_opset=op)
def DynamicQBatchMatMul(
    a,
    b,
    a_zero_point,
    b_zero_point,
    a_scale,
    b_scale,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    y_perm: Sequence[int],
    a_starts: Sequence[int],
    a_ends: Sequence[int],
    b_starts: Sequence[int],
    b_ends: Sequence[int],
):
    """QBatchMatMulToFloat of tensors quantized at run time: int8 a * int8 b -> float32 y.

        acc = sum((A - a_zero_point) * (B - b_zero_point))        int32, wrapping
        Y   = float(acc) * (a_scale * b_scale)

    Zero points are int32, scales float32, all of them `[1]`; what DynamicQuantizeToIsland gives as bias and
    multiplier for a w_sum of -1 and a w_scale of 1. One of the operands may be constant. The formula is that
    of onnxruntime's MatMulIntegerToFloat with two scales of one number (onnxruntime 1.31,
    dynamic_quantize_matmul.cc).
    """
    a_part = op.Slice(a, op.Constant(value_ints=a_starts), op.Constant(value_ints=a_ends))
    b_part = op.Slice(b, op.Constant(value_ints=b_starts), op.Constant(value_ints=b_ends))
    shift = op.Cast(op.Constant(value_int=128), to=6)
    a_u8 = op.Cast(op.Add(op.Cast(op.Transpose(a_part, perm=a_perm), to=6), shift), to=2)
    b_u8 = op.Cast(op.Add(op.Cast(op.Transpose(b_part, perm=b_perm), to=6), shift), to=2)
    a_zp = op.Cast(op.Add(a_zero_point, shift), to=2)
    b_zp = op.Cast(op.Add(b_zero_point, shift), to=2)
    acc = op.MatMulInteger(a_u8, b_u8, a_zp, b_zp)
    return op.Transpose(op.Mul(op.Cast(acc, to=1), op.Mul(a_scale, b_scale)), perm=y_perm)
