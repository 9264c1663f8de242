"""DequantizeLinear -> AveragePool, GlobalAveragePool or ReduceMean -> QuantizeLinear => their ops"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qoperator.common import from_front, read_numbers
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.average_pool import make_average_pool, make_global_average_pool
from qudnn.converter.lowering.reshape import make_reshape
from qudnn.converter.lowering.sequence import between, make_sequence


def average_pool(node: ir.Node, facts: Facts) -> Candidate:
    x = read_operand(node, 0, facts)
    y = read_result(node).unclamped()
    shape = facts.ranked(x.value, 3, 4, 5)
    window = read_geometry(node, tuple(node.attributes.get_ints("kernel_shape", [])), shape, most=3)
    with_pads = bool(node.attributes.get_int("count_include_pad", 0))
    candidate = make_average_pool(
        (node, *y.covers), x.quantized, y.quantized, window, with_pads, shape, y.arithmetic([x])
    )
    return replace(candidate, note=y.note([x]))


def global_average_pool(node: ir.Node, facts: Facts) -> Candidate:
    x = read_operand(node, 0, facts)
    shape = facts.ranked(x.value, 3, 4, 5)
    multiply = _multiplied(node)
    if multiply is None:
        y = read_result(node).unclamped()
        candidate = make_global_average_pool((node, *y.covers), x.quantized, y.quantized, shape)
        return replace(candidate, note=y.note([x]))
    last, factor = multiply
    y = read_result(last).unclamped()
    scaled = replace(x.quantization, scale=x.quantization.scale * factor)
    covers = (node, last, *y.covers)
    candidate = make_global_average_pool(covers, Quantized(x.value, scaled), y.quantized, shape)
    return replace(candidate, note=IN_FLOAT)


def _multiplied(node: ir.Node) -> tuple[ir.Node, np.float32] | None:
    """The Mul by one positive number that alone consumes the mean, as tools correct it for some hardware."""
    multiply = sole_consumer(node.outputs[0], once=True, inside=True)
    if not is_onnx(multiply, "Mul"):
        return None
    arrays = [constant_or_none(value) for value in multiply.inputs if value is not None]
    for array in arrays:
        if array is not None and array.dtype == np.float32 and array.size == 1 and array.ndim <= 4:
            factor = array.reshape(-1)[0]
            return (multiply, factor) if np.isfinite(factor) and factor > 0 else None
    return None


def reduce_mean(node: ir.Node, facts: Facts) -> Candidate:
    """The mean over all axes but the first and one more."""
    x = read_operand(node, 0, facts)
    y = read_result(node).unclamped()
    shape = facts.ranked(x.value, 3, 4, 5)
    axes = read_numbers(node, 1, "axes", "axes", facts) or []
    kept = set(range(len(shape))) - {from_front(axis, len(shape)) for axis in axes}
    if len(kept) != 2 or 0 not in kept:
        raise Refusal(f"it reduces the axes {axes}, not all but the first and one more")
    channel_axis = max(kept)
    covers = (node, *y.covers)
    keeps = node.attributes.get_int("keepdims", 1)
    mean = y.quantized if keeps else y.quantized._replace(value=between(y.value, "mean"))
    candidate = make_global_average_pool(covers, x.quantized, mean, shape, channel_axis)
    if not keeps:
        (port,) = candidate.outputs
        facts.learn(port)
        y_shape = (shape[0], shape[channel_axis])
        flat = make_reshape(covers, port.value, y.value, port.dtype, port.shape, y_shape, facts)
        candidate = make_sequence([candidate, flat])
    return replace(candidate, note=IN_FLOAT)
