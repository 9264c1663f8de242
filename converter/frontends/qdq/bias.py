"""The bias of a float operator, as onnxruntime's CPU provider makes int32 of it."""

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, constant_or_none, node_input, required_input, scales
from qudnn.converter.graph.sizes import Size
from qudnn.converter.island.packing import Int32Array
from qudnn.converter.qdq.linear import dequantizes

_TOLERANCE = 0.01  # by which onnxruntime lets a bias's scale differ, to ignore the difference


def bias(
    value: ir.Value | None, x_scale: np.float32, weight_scales: NDArray[np.float32], outputs: Size
) -> Int32Array | None:
    """The bias `[outputs]` in units of x_scale * weight_scales: int32 dequantized so, or float32.

    Of a float32 one, `rint(bias / (x_scale * w_scale[k]))`.
    """
    if value is None:
        return None
    if not isinstance(outputs, int):
        raise Refusal("it has a bias, and its number of outputs is unknown")
    unit = x_scale * weight_scales
    if not dequantizes(value.producer()):
        return _quantized(constant(value, "bias"), unit, outputs)
    dequantize = value.producer()
    assert dequantize is not None
    array = constant_or_none(required_input(dequantize, 0))
    if array is None or array.dtype != np.int32 or array.shape != (outputs,):
        raise Refusal(f"its bias is not dequantized from an int32 constant [{outputs}]")
    zero_point = node_input(dequantize, 2)
    if zero_point is not None and constant(zero_point, "bias zero point").any():
        raise Refusal("its bias has a zero point that is not 0")
    scale = scales(node_input(dequantize, 1), "bias scale")
    if scale.size not in (1, outputs) or scale.size < unit.size:
        raise Refusal(f"it has {scale.size} bias scales for {outputs} outputs")
    if not np.allclose(scale, unit, rtol=_TOLERANCE, atol=0):
        raise Refusal("the scale of its bias is not that of its input times that of its weights")
    return array


def _quantized(array: NDArray[np.float32], unit: NDArray[np.float32], outputs: int) -> Int32Array:
    if array.dtype != np.float32 or array.shape != (outputs,):
        raise Refusal(f"its bias is {array.dtype} {list(array.shape)}, not float32 [{outputs}]")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        units = np.rint(array / unit)
    if not (np.abs(units) < 2.0**31).all():  # false for NaN too
        raise Refusal("its bias does not fit into 32 bits in units of its input's and weights' scales")
    in_units: Int32Array = units.astype(np.int32)
    return in_units
