"""LSTM layers of which inputs and states are quantized dynamically."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import microsoft, qudnn


@script(qudnn, default_opset=op)
def DynamicQLSTM(
    x,
    w,
    r,
    w_scale,
    w_zero_point,
    r_scale,
    r_zero_point,
    b,
    sequence_lens,
    initial_h,
    initial_c,
    p,
    direction: str,
    hidden_size: int,
    input_size: int,
    input_forget: int,
    clip: float,
    activations: Sequence[str],
    activation_kinds: Sequence[int],
    activation_alpha: Sequence[float],
    activation_beta: Sequence[float],
):
    """float32 `[T,N,C]` -> y `[T,D,N,H]`, y_h and y_c `[D,N,H]`, float32; a node may leave out each of them.

    D: 2 where direction is bidirectional, else 1; H: hidden_size; C: input_size. What com.microsoft's
    DynamicQuantizeLSTM computes, with its weights as kernels want them:

        w            int8 `[D,4H,Cp]`, r int8 `[D,4H,Hp]`    outputs i, o, f, c; padded with 0
        w_scale      float32 and w_zero_point int8, `[D]` or `[D,4H]`; so for r
        b            float32 `[D,8H]`, p `[D,3H]`, sequence_lens int32 `[N]`, initial_h and initial_c
                     float32 `[D,N,H]`; a node may leave out each of them

    Its formula, everything in float32 with one rounding after each operation (onnxruntime 1.31,
    uni_directional_lstm.cc, rnn_helpers.cc): q, s = quantized(v) is DynamicQuantizeLinear, q less its zero
    point, and L the longest sequence.

        qx, sx = quantized(x[:L])                               once for all steps and sequences
        qh, sh = quantized(h)                                   in each step, of all sequences together
        gates  = float(qx * (w - w_zero_point)) * (sx * w_scale)
               + float(qh * (r - r_zero_point)) * (sh * r_scale)
        i = f(clip((gates_i + c * p_i) + b_i)),  f alike, or 1 - i with input_forget
        c = c * f + i * g(clip(gates_c + b_c))
        o = f(clip((gates_o + c * p_o) + b_o)),  h = o * h(c)

    where b is the sum of its two halves, and Sigmoid and Tanh are MLAS' quotients of polynomials
    (logistic.cpp, tanh.cpp), by fused multiply-adds. After a sequence's end h and y are 0; y_h and y_c are of
    its last step, 0 where it has none.

    onnxruntime computes the rows of a batch in groups, as many as it has threads, each with a scale of its
    own; kernels compute what a single thread does.
    activation_kinds: the same as activations, for kernels, whose interface has no lists of text: 0 Sigmoid, 1
    Tanh, 2 Relu, 3 Affine, 4 LeakyRelu, 5 ThresholdedRelu, 6 HardSigmoid, 7 Softsign, 8 ScaledTanh, 9 Elu, 10
    Softplus. activation_alpha and activation_beta have a value for each that takes one, in their order.
    The body has uint8 weights, as QConvToInt32's has.
    """
    shift = op.Cast(op.Constant(value_int=128), to=6)
    zero = op.Constant(value_ints=[0])
    one = op.Constant(value_ints=[1])
    last = op.Constant(value_ints=[2])
    w_part = op.Slice(w, zero, op.Reshape(op.Constant(value_int=input_size), one), last)
    r_part = op.Slice(r, zero, op.Reshape(op.Constant(value_int=hidden_size), one), last)
    w_u8 = op.Cast(op.Add(op.Cast(op.Transpose(w_part, perm=[0, 2, 1]), to=6), shift), to=2)
    r_u8 = op.Cast(op.Add(op.Cast(op.Transpose(r_part, perm=[0, 2, 1]), to=6), shift), to=2)
    w_zero_u8 = op.Cast(op.Add(op.Cast(w_zero_point, to=6), shift), to=2)
    r_zero_u8 = op.Cast(op.Add(op.Cast(r_zero_point, to=6), shift), to=2)
    y, y_h, y_c = microsoft.DynamicQuantizeLSTM(
        x,
        w_u8,
        r_u8,
        b,
        sequence_lens,
        initial_h,
        initial_c,
        p,
        w_scale,
        w_zero_u8,
        r_scale,
        r_zero_u8,
        direction=direction,
        hidden_size=hidden_size,
        input_forget=input_forget,
        clip=clip,
        activations=activations,
        activation_alpha=activation_alpha,
        activation_beta=activation_beta,
    )
    return y, y_h, y_c
