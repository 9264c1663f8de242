"""The weights of a convolution or matmul: an 8-bit constant with its scales and zero points."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import EIGHT_BIT, constant, scales, widened, wrong_width
from qudnn.converter.lowering.weights import Weights


def read_weights(
    values: ir.Value | None, scale: ir.Value | None, zero_point: ir.Value | None, output_axis: int
) -> Weights:
    return quantized_weights(constant(values, "weight"), scale, zero_point, output_axis)


def quantized_weights(
    array: NDArray[Any], scale: ir.Value | None, zero_point: ir.Value | None, output_axis: int
) -> Weights:
    array = widened(array)
    if ir.DataType.from_numpy(array.dtype) not in EIGHT_BIT:
        raise wrong_width("weights", ir.DataType.from_numpy(array.dtype))
    outputs = array.shape[output_axis] if array.ndim else 1
    weight_scales = scales(scale, "weight scale")
    if zero_point is None:
        zero_points = np.zeros(1, array.dtype)
    else:
        zero_points = widened(constant(zero_point, "weight zero point")).reshape(-1)
    for what, vector in ("scales", weight_scales), ("zero points", zero_points):
        if vector.size not in (1, outputs):
            raise Refusal(f"it has {vector.size} weight {what} for {outputs} outputs")
    return Weights(array, weight_scales, zero_points)
