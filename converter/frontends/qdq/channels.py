"""Tensors around convolutions that are quantized per channel, as the pass ChannelScales leaves them.

The input of a depthwise one: DequantizeLinear of scale 1 -> Mul. The scales become the weights', which have
one for each output. The result of any, and of a sum or product of two tensors: (Relu or Clip ->) Div
-> QuantizeLinear of scale 1.
"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import Operand, read_operand
from qudnn.converter.frontends.qdq.result import Result, clip_bounds, read_result
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.sizes import Size
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.weights import Weights
from qudnn.converter.qdq.linear import dequantizes

PER_CHANNEL = "its input or its result is quantized per channel, so "


def channel_operand(node: ir.Node, rank: int, facts: Facts) -> tuple[Operand, Float32Array | None]:
    """Input 0 of the convolution and, where it has a scale for each channel, these; its own is 1 then.

    rank: of the input.
    """
    multiply = required_input(node, 0).producer()
    if not is_onnx(multiply, "Mul") or not dequantizes(required_input(multiply, 0).producer()):
        return read_operand(node, 0, facts), None
    factors = _each_channel(multiply, rank)
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


def read_channel_result(node: ir.Node, rank: int, channels: Size) -> tuple[Result, Float32Array | None]:
    """What quantizes the result and, where it has a scale for each channel, these; its own is 1 then.

    rank, channels: of the result.
    """
    clips, consumer = _after_clips(node)
    divisors = _each_channel(consumer, rank) if is_onnx(consumer, "Div") else None
    if consumer is None or divisors is None or divisors.size != channels:
        return read_result(node), None
    low, high = -np.inf, np.inf
    for clip in clips:
        low, high = np.clip([low, high], *clip_bounds(clip))
    y = read_result(consumer)
    zero = y.quantization.island_zero_point
    if low not in (-np.inf, 0.0) or (np.rint(high / divisors) < 127 - zero).any() or y.clamp != (-128, 127):
        raise Refusal("the activation after it clips more than its quantization does, for some channels")
    clamp = (zero, 127) if low == 0 else y.clamp
    return replace(y, covers=(*clips, consumer, *y.covers), clamp=clamp), divisors


def is_divided(node: ir.Node) -> bool:
    """Whether its result, clipped or not, is divided by a constant of several dimensions."""
    _, consumer = _after_clips(node)
    if not is_onnx(consumer, "Div"):
        return False
    divisor = constant_or_none(required_input(consumer, 1))
    return divisor is not None and divisor.ndim > 1


def _after_clips(node: ir.Node) -> tuple[list[ir.Node], ir.Node | None]:
    """The activations that only clip the result, each alone, and what alone consumes it then."""
    clips: list[ir.Node] = []
    consumer = sole_consumer(node.outputs[0], once=True, inside=True)
    while has_trait(consumer, Trait.CLIPS):
        clips.append(consumer)
        consumer = sole_consumer(consumer.outputs[0], once=True, inside=True)
    return clips, consumer


def _each_channel(node: ir.Node, rank: int) -> Float32Array | None:
    """The constant `[C, 1, ...]` that is input 1 of a node, one number for each channel, as a vector.

    rank: of input 0, whose axis 1 are the channels.
    """
    array = constant_or_none(required_input(node, 1))
    if array is None or array.dtype != np.float32 or array.ndim != rank - 1 or array.size != array.shape[0]:
        return None
    if array.size == 1 or not (np.isfinite(array) & (array > 0)).all():
        return None
    return array.reshape(-1)
