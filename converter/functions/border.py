"""Ops that carry a tensor across an island's border.

Inside an island a tensor is int8 and channels-last, `[N, spatial..., Cp]`; `perm` and `channels` say
how the tensor lies outside: `perm` is the transposition that the op applies.
"""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QuantizeToIsland(x, perm: Sequence[int], pads: Sequence[int], scale: float, zero_point: int):
    """float32 -> int8: `saturate(rint(x / scale) + zero_point)`, transposed by perm, padded by pads.

    pads has ONNX Pad's form over the transposed dimensions; what it adds has the value zero_point,
    which stands for the real number 0.
    """
    zp = op.Cast(op.Constant(value_int=zero_point), to=3)
    q = op.QuantizeLinear(x, op.Constant(value_float=scale), zp)
    return op.Pad(op.Transpose(q, perm=perm), op.Constant(value_ints=pads), zp)


@script(qudnn, default_opset=op)
def QuantizeHalfToIsland(x, perm: Sequence[int], pads: Sequence[int], scale: float, zero_point: int):
    """QuantizeToIsland of float32 x rounded to float16: to even, with infinity for what is too large."""
    return QuantizeToIsland(
        op.Cast(op.Cast(x, to=10), to=1), perm=perm, pads=pads, scale=scale, zero_point=zero_point
    )


@script(qudnn, default_opset=op)
def ConvertToIsland(x, perm: Sequence[int], pads: Sequence[int], zero_point: int, dtype: int):
    """8-bit -> int8: uint8 (dtype 2) is shifted by -128, int8 (dtype 3) is kept; then perm and pads.

    zero_point is that of the int8 result and the value of what pads adds.
    """
    zp = op.Cast(op.Constant(value_int=zero_point), to=3)
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0))
    q = op.Cast(op.Sub(op.Cast(x, to=6), op.Cast(offset, to=6)), to=3)
    return op.Pad(op.Transpose(q, perm=perm), op.Constant(value_ints=pads), zp)


@script(qudnn, default_opset=op)
def DequantizeFromIsland(x, perm: Sequence[int], channels: int, scale: float, zero_point: int):
    """int8 -> float32: `(x - zero_point) * scale` of the first channels, or all, transposed by perm.

    The body dequantizes x + 128 as uint8. After an int8 DequantizeLinear and a Reshape, say, onnxruntime
    (QDQPropagationTransformer, 1.31) puts a QuantizeLinear that from opset 21 on names its type, and then
    changes the type of its zero point alone (QDQS8ToU8Transformer), which it refuses to open.
    """
    last = op.Constant(value_ints=[-1])
    kept = op.Slice(x, op.Constant(value_ints=[0]), op.Reshape(op.Constant(value_int=channels), last), last)
    shift = op.Cast(op.Constant(value_int=128), to=6)
    shifted = op.Cast(op.Add(op.Cast(op.Transpose(kept, perm=perm), to=6), shift), to=2)
    zp = op.Cast(op.Add(op.Constant(value_int=zero_point), op.Constant(value_int=128)), to=2)
    return op.DequantizeLinear(shifted, op.Constant(value_float=scale), zp)


@script(qudnn, default_opset=op)
def ConvertFromIsland(x, perm: Sequence[int], channels: int, dtype: int):
    """int8 -> 8-bit: the first channels, transposed by perm; uint8 (dtype 2) is shifted by +128."""
    last = op.Constant(value_ints=[-1])
    kept = op.Slice(x, op.Constant(value_ints=[0]), op.Reshape(op.Constant(value_int=channels), last), last)
    is_uint8 = op.Equal(op.Constant(value_int=dtype), op.Constant(value_int=2))
    offset = op.Where(is_uint8, op.Constant(value_int=128), op.Constant(value_int=0))
    shifted = op.Add(op.Cast(op.Transpose(kept, perm=perm), to=6), op.Cast(offset, to=6))
    return op.Cast(shifted, to=dtype)
