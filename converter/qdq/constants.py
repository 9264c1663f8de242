"""What QuantizeLinear makes of a constant."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import EIGHT_BIT, constant, node_input, required_input, scales
from qudnn.converter.qdq.linear import float_constant


def quantized(node: ir.Node) -> NDArray[Any]:
    """The 8-bit constant that the QuantizeLinear makes of a float32 one, itself dequantized perhaps.

    It quantizes as a whole or along an axis. Raises Refusal where it reads or makes something else.
    """
    array = float_constant(required_input(node, 0), "input")
    scale = scales(node_input(node, 1), "scale")
    zero_point = constant(node_input(node, 2), "zero point").reshape(-1)
    if array.dtype != np.float32 or not np.isfinite(array).all():
        raise Refusal(f"its input is {array.dtype}, or not finite")
    if ir.DataType.from_numpy(zero_point.dtype) not in EIGHT_BIT:
        raise Refusal(f"its output is {zero_point.dtype}, not 8 bits wide")
    if node.attributes.get_int("block_size", 0):
        raise Refusal("it is quantized in blocks")
    bounds = np.iinfo(zero_point.dtype)
    shape = [1] * array.ndim
    if scale.size > 1 and array.ndim:
        shape[node.attributes.get_int("axis", 1) % array.ndim] = -1
    z = zero_point.astype(np.int32).reshape(shape)
    with np.errstate(over="ignore"):
        scaled = array / scale.reshape(shape)
    q = np.rint(np.clip(scaled, (bounds.min - z).astype(np.float32), (bounds.max - z).astype(np.float32)))
    return (q.astype(np.int32) + z).astype(zero_point.dtype)
