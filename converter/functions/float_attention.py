"""Attention and MaskedAttention, between the float32 results of dynamically quantized matmuls."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def Attention(
    q,
    k,
    v,
    heads: int,
    q_first: int,
    k_first: int,
    v_first: int,
    q_factor: float,
    k_factor: float,
    factor: float,
    divisor: float,
    nan_to_zero: int,
    q_factor_shape: Sequence[int] = (1,),
    k_factor_shape: Sequence[int] = (1,),
    factor_shape: Sequence[int] = (1,),
    divisor_shape: Sequence[int] = (1,),
):
    """float32 q `[B,M,Hq,D]`, k `[B,N,Hk,D]`, v `[B,N,Hv,C]` -> float32 `[B,M,heads,C]`, all outside:

        Q, K, V    = q[b,:,q_first+h,:] * q_factor, k[b,:,k_first+h,:] * k_factor, v[b,:,v_first+h,:]
        S[b,h]     = Q * K^T * factor / divisor            [M,N], h = 0..heads-1
        y[b,:,h,:] = softmax(S[b,h]) * V                   over the keys

    So one tensor that holds queries, keys and values side by side may be all three. nan_to_zero (0 or 1):
    weights that are NaN become 0, those of a row whose scores are all minus infinity. A kernel may round the
    operands of both matmuls to TF32's 10 bits of mantissa, as onnxruntime's CUDA provider does by default
    (1.30, cuda_execution_provider_info.h, use_tf32), and make one number of the four that scale the scores.

    onnxruntime's CPU provider takes a constant number beside a MatMul into it, and rounds once less
    (onnxruntime 1.30, matmul_scale_fusion.cc, MatMulScaleFusion). A number that the original model computed
    was none: it has the shape `[heads, 1, 1]` here, so that onnxruntime leaves it as well. To a kernel shapes
    mean nothing.
    """
    number = op.Constant(value_ints=[-1])
    axis = op.Constant(value_ints=[2])
    count = op.Reshape(op.Constant(value_int=heads), number)
    q_start = op.Reshape(op.Constant(value_int=q_first), number)
    k_start = op.Reshape(op.Constant(value_int=k_first), number)
    v_start = op.Reshape(op.Constant(value_int=v_first), number)
    q_heads = op.Transpose(op.Slice(op.Sum(q), q_start, op.Add(q_start, count), axis), perm=[0, 2, 1, 3])
    k_heads = op.Transpose(op.Slice(op.Sum(k), k_start, op.Add(k_start, count), axis), perm=[0, 2, 3, 1])
    values = op.Transpose(op.Slice(op.Sum(v), v_start, op.Add(v_start, count), axis), perm=[0, 2, 1, 3])
    q_scale = op.Expand(op.Constant(value_float=q_factor), op.Constant(value_ints=q_factor_shape))
    k_scale = op.Expand(op.Constant(value_float=k_factor), op.Constant(value_ints=k_factor_shape))
    scale = op.Expand(op.Constant(value_float=factor), op.Constant(value_ints=factor_shape))
    inverse = op.Expand(op.Constant(value_float=divisor), op.Constant(value_ints=divisor_shape))
    scaled = op.Mul(op.MatMul(op.Mul(q_heads, q_scale), op.Mul(k_heads, k_scale)), scale)
    scores = op.Div(scaled, inverse)
    weights = op.Softmax(scores, axis=-1)
    unwanted = op.And(op.IsNaN(weights), op.Cast(op.Constant(value_int=nan_to_zero), to=9))
    kept = op.Where(unwanted, op.Constant(value_float=0.0), weights)
    return op.Transpose(op.MatMul(kept, values), perm=[0, 2, 1, 3])


@script(qudnn, default_opset=op)
def MaskedAttention(
    q,
    k,
    v,
    mask,
    heads: int,
    q_first: int,
    k_first: int,
    v_first: int,
    q_factor: float,
    k_factor: float,
    factor: float,
    divisor: float,
    nan_to_zero: int,
    q_factor_shape: Sequence[int] = (1,),
    k_factor_shape: Sequence[int] = (1,),
    factor_shape: Sequence[int] = (1,),
    divisor_shape: Sequence[int] = (1,),
):
    """As Attention, with a float32 mask of four dimensions that broadcasts to `[B,heads,M,N]`:

    S[b,h] = Q * K^T * factor / divisor + mask[b,h]
    """
    number = op.Constant(value_ints=[-1])
    axis = op.Constant(value_ints=[2])
    count = op.Reshape(op.Constant(value_int=heads), number)
    q_start = op.Reshape(op.Constant(value_int=q_first), number)
    k_start = op.Reshape(op.Constant(value_int=k_first), number)
    v_start = op.Reshape(op.Constant(value_int=v_first), number)
    q_heads = op.Transpose(op.Slice(op.Sum(q), q_start, op.Add(q_start, count), axis), perm=[0, 2, 1, 3])
    k_heads = op.Transpose(op.Slice(op.Sum(k), k_start, op.Add(k_start, count), axis), perm=[0, 2, 3, 1])
    values = op.Transpose(op.Slice(op.Sum(v), v_start, op.Add(v_start, count), axis), perm=[0, 2, 1, 3])
    q_scale = op.Expand(op.Constant(value_float=q_factor), op.Constant(value_ints=q_factor_shape))
    k_scale = op.Expand(op.Constant(value_float=k_factor), op.Constant(value_ints=k_factor_shape))
    scale = op.Expand(op.Constant(value_float=factor), op.Constant(value_ints=factor_shape))
    inverse = op.Expand(op.Constant(value_float=divisor), op.Constant(value_ints=divisor_shape))
    scaled = op.Mul(op.MatMul(op.Mul(q_heads, q_scale), op.Mul(k_heads, k_scale)), scale)
    scores = op.Add(op.Div(scaled, inverse), mask)
    weights = op.Softmax(scores, axis=-1)
    unwanted = op.And(op.IsNaN(weights), op.Cast(op.Constant(value_int=nan_to_zero), to=9))
    kept = op.Where(unwanted, op.Constant(value_float=0.0), weights)
    return op.Transpose(op.MatMul(kept, values), perm=[0, 2, 1, 3])
