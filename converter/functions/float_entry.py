"""Entries that compute the last steps in float32: AddToIsland, MulToIsland and SoftmaxToIsland."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def AddToIsland(
    a,
    b,
    bias,
    divisor,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    perm: Sequence[int],
    pads: Sequence[int],
    low: float,
    high: float,
    scale: float,
    zero_point: int,
):
    """float32, broadcast -> int8, with the bits of Add (2), Clip, Div, QuantizeLinear; then perm and pads.

        real = clip((transpose(a, a_perm) + bias) + transpose(b, b_perm), low, high) / divisor
        y    = saturate(rint(real / scale) + zero_point)

    with one rounding after each float32 operation; a bias of -0.0 and a divisor of 1 change nothing. pads has
    ONNX Pad's form over the transposed dimensions; what it adds has the value zero_point.
    """
    zp = op.Cast(op.Constant(value_int=zero_point), to=3)
    # Of an Add after DequantizeLinear onnxruntime might make a QLinearAdd, which rounds elsewhere; not of a
    # Sum (onnxruntime 1.30, qdq_selector_action_transformer.cc, BinaryOpQDQRules).
    total = op.Sum(op.Sum(op.Transpose(a, perm=a_perm), bias), op.Transpose(b, perm=b_perm))
    clipped = op.Clip(total, op.Constant(value_float=low), op.Constant(value_float=high))
    q = op.QuantizeLinear(op.Div(clipped, divisor), op.Constant(value_float=scale), zp)
    return op.Pad(op.Transpose(q, perm=perm), op.Constant(value_ints=pads), zp)


@script(qudnn, default_opset=op)
def MulToIsland(
    a,
    b,
    divisor,
    a_perm: Sequence[int],
    b_perm: Sequence[int],
    perm: Sequence[int],
    pads: Sequence[int],
    low: float,
    high: float,
    gelu: int,
    gate: int,
    alpha: float,
    beta: float,
    scale: float,
    zero_point: int,
):
    """float32, broadcast -> int8, with the bits of Clip, Sigmoid, Mul, Div, QuantizeLinear; then perm, pads.

        A = clip(transpose(a, a_perm), low, high), with gelu (1) 0.5 * A * (1 + erf(A / sqrt(2))) of that
        B = transpose(b, b_perm), with a gate of 1 sigmoid(B), of 2 clip(B * alpha + beta, 0, 1)
        y = saturate(rint(A * B / divisor / scale) + zero_point)

    with one rounding after each float32 operation; a divisor of 1 changes nothing. erf is not specified in
    its last bits. pads has ONNX Pad's form over the transposed dimensions; what it adds has the value
    zero_point.
    """
    zp = op.Cast(op.Constant(value_int=zero_point), to=3)
    left = op.Clip(op.Transpose(a, perm=a_perm), op.Constant(value_float=low), op.Constant(value_float=high))
    error = op.Erf(op.Div(left, op.Constant(value_float=1.4142135381698608)))
    with_gelu = op.Mul(
        op.Mul(left, op.Add(error, op.Constant(value_float=1.0))), op.Constant(value_float=0.5)
    )
    is_gelu = op.Cast(op.Constant(value_int=gelu), to=9)
    right = op.Transpose(b, perm=b_perm)
    is_sigmoid = op.Equal(op.Constant(value_int=gate), op.Constant(value_int=1))
    is_hard = op.Equal(op.Constant(value_int=gate), op.Constant(value_int=2))
    hard = op.HardSigmoid(right, alpha=alpha, beta=beta)
    gated = op.Where(is_hard, hard, op.Where(is_sigmoid, op.Sigmoid(right), right))
    # After a Where onnxruntime makes no integer operator of the Mul.
    product = op.Mul(op.Where(is_gelu, with_gelu, left), gated)
    q = op.QuantizeLinear(op.Div(product, divisor), op.Constant(value_float=scale), zp)
    return op.Pad(op.Transpose(q, perm=perm), op.Constant(value_ints=pads), zp)


@script(qudnn, default_opset=op)
def SoftmaxToIsland(
    x, mask, pads: Sequence[int], factor: float, divisor: float, y_scale: float, y_zero_point: int
):
    """float32 `[..., C]`, float32 mask that broadcasts to it -> int8 `[..., Cp]`:

        r = x * factor / divisor + mask
        y = saturate(rint(softmax(r) / y_scale) + y_zero_point)

    in float32, each step of r rounded. exp and the order of the sum are not specified: y may differ by one
    quantum. pads, in ONNX Pad's form, appends the padding channels, which the body sets to 0 and a kernel to
    anything.
    """
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    scaled = op.Div(op.Mul(x, op.Constant(value_float=factor)), op.Constant(value_float=divisor))
    softmax = op.Softmax(op.Add(scaled, mask), axis=-1)
    y = op.QuantizeLinear(softmax, op.Constant(value_float=y_scale), y_zp)
    return op.Pad(y, op.Constant(value_ints=pads))
