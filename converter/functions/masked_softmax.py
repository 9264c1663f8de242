"""QMaskedSoftmax, the softmax of attention: scores in an island, their mask in float32 outside of it."""

from collections.abc import Sequence

from onnxscript import opset13 as op
from onnxscript import script

from qudnn.converter.functions.opsets import qudnn


@script(qudnn, default_opset=op)
def QMaskedSoftmax(
    x,
    mask,
    channels: int,
    pads: Sequence[int],
    x_scale: float,
    x_zero_point: int,
    factor: float,
    divisor: float,
    y_scale: float,
    y_zero_point: int,
):
    """int8 `[..., Cp]`, float32 mask that broadcasts to `[..., channels]` -> int8 `[..., Cp]`:

        r = (x - x_zero_point) * x_scale * factor / divisor + mask      of the first `channels`
        y = saturate(rint(softmax(r) / y_scale) + y_zero_point)

    in float32, each step of r rounded. exp and the order of the sum are not specified: y may differ by
    one quantum. 2**63 - 1 channels are all there are. pads, in ONNX Pad's form, appends the padding
    channels, which the body sets to 0 and a kernel to anything. The mask has at most x's dimensions and
    does not make x larger.
    """
    last = op.Constant(value_ints=[-1])
    kept = op.Slice(x, op.Constant(value_ints=[0]), op.Reshape(op.Constant(value_int=channels), last), last)
    x_zp = op.Cast(op.Constant(value_int=x_zero_point), to=3)
    y_zp = op.Cast(op.Constant(value_int=y_zero_point), to=3)
    r = op.DequantizeLinear(kept, op.Constant(value_float=x_scale), x_zp)
    scaled = op.Div(op.Mul(r, op.Constant(value_float=factor)), op.Constant(value_float=divisor))
    softmax = op.Softmax(op.Add(scaled, mask), axis=-1)
    y = op.QuantizeLinear(softmax, op.Constant(value_float=y_scale), y_zp)
    return op.Pad(y, op.Constant(value_ints=pads))
