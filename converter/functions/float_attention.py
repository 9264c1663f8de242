"""Attention and MaskedAttention, between the float32 results of dynamically quantized products."""

from onnxscript import opset13 as op
from onnxscript import script

from converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def Attention(q, k, v, heads: int, q_first: int, k_first: int, v_first: int, factor: float):
    """float32 q `[B,M,Hq,D]`, k `[B,N,Hk,D]`, v `[B,N,Hv,C]` -> float32 `[B,M,heads,C]`, all outside:

        S[b,h] = (q[b,:,q_first+h,:] * k[b,:,k_first+h,:]^T) * factor         [M,N], h = 0..heads-1
        y[b,:,h,:] = softmax(S[b,h]) * v[b,:,v_first+h,:]                     over the keys

    So one tensor that holds queries, keys and values side by side may be all three. A kernel may round the
    factors of both products to TF32's 10 bits of mantissa, as onnxruntime's CUDA provider does by default.
    """
    number = op.Constant(value_ints=[-1])
    axis = op.Constant(value_ints=[2])
    count = op.Reshape(op.Constant(value_int=heads), number)
    q_start = op.Reshape(op.Constant(value_int=q_first), number)
    k_start = op.Reshape(op.Constant(value_int=k_first), number)
    v_start = op.Reshape(op.Constant(value_int=v_first), number)
    queries = op.Transpose(op.Slice(q, q_start, op.Add(q_start, count), axis), perm=[0, 2, 1, 3])
    keys = op.Transpose(op.Slice(k, k_start, op.Add(k_start, count), axis), perm=[0, 2, 3, 1])
    values = op.Transpose(op.Slice(v, v_start, op.Add(v_start, count), axis), perm=[0, 2, 1, 3])
    scores = op.Mul(op.MatMul(queries, keys), op.Constant(value_float=factor))
    weights = op.Softmax(scores, axis=-1)
    return op.Transpose(op.MatMul(weights, values), perm=[0, 2, 1, 3])


@script(qudnn, default_opset=op)
def MaskedAttention(q, k, v, mask, heads: int, q_first: int, k_first: int, v_first: int, factor: float):
    """As Attention, with a float32 mask of four dimensions that broadcasts to `[B,heads,M,N]`:

    S[b,h] = (q[b,:,q_first+h,:] * k[b,:,k_first+h,:]^T) * factor + mask[b,h]
    """
    number = op.Constant(value_ints=[-1])
    axis = op.Constant(value_ints=[2])
    count = op.Reshape(op.Constant(value_int=heads), number)
    q_start = op.Reshape(op.Constant(value_int=q_first), number)
    k_start = op.Reshape(op.Constant(value_int=k_first), number)
    v_start = op.Reshape(op.Constant(value_int=v_first), number)
    queries = op.Transpose(op.Slice(q, q_start, op.Add(q_start, count), axis), perm=[0, 2, 1, 3])
    keys = op.Transpose(op.Slice(k, k_start, op.Add(k_start, count), axis), perm=[0, 2, 3, 1])
    values = op.Transpose(op.Slice(v, v_start, op.Add(v_start, count), axis), perm=[0, 2, 1, 3])
    scores = op.Mul(op.MatMul(queries, keys), op.Constant(value_float=factor))
    weights = op.Softmax(op.Add(scores, mask), axis=-1)
    return op.Transpose(op.MatMul(weights, values), perm=[0, 2, 1, 3])
