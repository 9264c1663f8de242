"""DequantizeLinear -> AveragePool or GlobalAveragePool -> QuantizeLinear => their ops"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.frontends.qdq.mean_of_function import is_mean_of_function, mean_of_function
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.image.average_pool import make_average_pool, make_global_average_pool


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
    if is_mean_of_function(node):
        return mean_of_function(node, facts)
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
