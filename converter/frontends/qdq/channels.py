"""The input of a depthwise convolution, quantized per channel: DequantizeLinear of scale 1 -> Mul

So the pass ChannelScales leaves it. The scales become the weights', which have one for each output.
"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import Operand, read_operand
from qudnn.converter.frontends.qoperator.weights import Weights
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.qdq.linear import dequantizes

PER_CHANNEL = "its input is quantized per channel, so "


def channel_operand(node: ir.Node, facts: Facts) -> tuple[Operand, Float32Array | None]:
    """Input 0 of the convolution and, where it has a scale for each channel, these; its own is 1 then."""
    multiply = required_input(node, 0).producer()
    if not is_onnx(multiply, "Mul") or not dequantizes(required_input(multiply, 0).producer()):
        return read_operand(node, 0, facts), None
    factors = _each_channel(multiply)
    if factors is None:
        return read_operand(node, 0, facts), None
    return read_operand(multiply, 0, facts), factors


def scaled(w: Weights, factors: Float32Array | None, group: int) -> Weights:
    """The weights `[K, 1, kernel...]` of a depthwise convolution, its input's scales in theirs."""
    if factors is None:
        return w
    outputs = w.values.shape[0]
    if w.values.shape[1] != 1 or group != factors.size or outputs % group:
        raise Refusal("its input is quantized per channel, and it is no depthwise convolution")
    return w._replace(scales=np.broadcast_to(w.scales, (outputs,)) * np.repeat(factors, outputs // group))


def _each_channel(node: ir.Node) -> Float32Array | None:
    """The constant `[C, 1, ...]` that is input 1 of a node, one number for each channel, as a vector."""
    array = constant_or_none(required_input(node, 1))
    if array is None or array.dtype != np.float32 or array.ndim < 2 or array.size != array.shape[0]:
        return None
    if array.size == 1 or not (np.isfinite(array) & (array > 0)).all():
        return None
    return array.reshape(-1)
