"""Dynamic quantization: scale and zero point are found at run time, and stay on the GPU."""

from collections.abc import Sequence

from onnxscript import opset13 as op
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
