"""The bias of a float operator, as onnxruntime makes int32 of it.

(onnxruntime 1.30, weight_bias_quantization.cc, WeightBiasQuantization.)
"""

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, constant_or_none, node_input, required_input, scales
from qudnn.converter.graph.sizes import Size
from qudnn.converter.island.packing import Int32Array
from qudnn.converter.qdq.linear import dequantizes, float_constant

# By how much the scale of a bias may be off for onnxruntime to take its integers (1.30, qdq_selectors.cc,
# CheckConvBiasScale).
_TOLERANCE = 0.01


def read_bias(
    value: ir.Value | None,
    x_scale: np.float32,
    weight_scales: NDArray[np.float32],
    outputs: Size,
    is_gemm: bool = False,
) -> Int32Array | None:
    """The bias `[outputs]` in units of x_scale * weight_scales: int32 dequantized so, or float32.

    Of a float32 one, or one that is quantized otherwise, `rint(bias / (x_scale * w_scale[k]))`. is_gemm: of
    an int32 one onnxruntime's QGemm takes the integers (quant_gemm.cc, 1.30), whatever their scale is; it is
    declined here.
    """
    if value is None:
        return None
    if not isinstance(outputs, int):
        raise Refusal("it has a bias, and its number of outputs is unknown")
    unit = x_scale * weight_scales
    if not dequantizes(value.producer()):
        return in_units(constant(value, "bias"), unit, outputs)
    dequantize = value.producer()
    assert dequantize is not None
    array = constant_or_none(required_input(dequantize, 0))
    if array is None or array.dtype not in (np.int8, np.uint8, np.int32) or array.shape != (outputs,):
        raise Refusal(f"its bias is not dequantized from a constant of 8 or 32 bits [{outputs}]")
    if array.dtype != np.int32:
        return in_units(float_constant(value, "bias"), unit, outputs)
    zero_point = node_input(dequantize, 2)
    if zero_point is not None and constant(zero_point, "bias zero point").any():
        raise Refusal("its bias has a zero point that is not 0")
    scale = scales(node_input(dequantize, 1), "bias scale")
    if scale.size not in (1, outputs) or scale.size < unit.size:
        raise Refusal(f"it has {scale.size} bias scales for {outputs} outputs")
    if np.allclose(scale, unit, rtol=_TOLERANCE, atol=0):
        return array
    if is_gemm:
        raise Refusal("the scale of its bias is not that of its input times that of its weights")
    return in_units(float_constant(value, "bias"), unit, outputs)


def bias_note(value: ir.Value | None, x_scale: np.float32, weight_scales: NDArray[np.float32]) -> str:
    """Why onnxruntime computes in float32 because of the bias, as a note begins; empty if it does not.

    It has integers for int32 ones in the scale of the sums (ConvNodeGroupSelector, qdq_selectors.cc, 1.31),
    and in any scale where it makes a QGemm.
    """
    dequantize = None if value is None else value.producer()
    if dequantize is None or not dequantizes(dequantize):
        return ""
    array = constant(required_input(dequantize, 0), "bias")
    scale = scales(node_input(dequantize, 1), "bias scale")
    if array.dtype == np.int32 and np.allclose(scale, x_scale * weight_scales, rtol=_TOLERANCE, atol=0):
        return ""
    return "its bias is not quantized in the scale of its input times that of its weights, so "


def in_units(array: NDArray[np.float32], unit: NDArray[np.float32], outputs: int) -> Int32Array:
    """float32 `[outputs]` in multiples of the units `[1]` or `[outputs]`, rounded."""
    if array.dtype != np.float32 or array.shape != (outputs,):
        raise Refusal(f"its bias is {array.dtype} {list(array.shape)}, not float32 [{outputs}]")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        units = np.rint(array / unit)
    if not (np.abs(units) < 2.0**31).all():  # false for NaN too
        raise Refusal("its bias does not fit into 32 bits in units of its input's and weights' scales")
    whole: Int32Array = units.astype(np.int32)
    return whole
