"""Two Q/DQ pairs, one after the other => one of them"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.context import Preparation
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, sole_consumer
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, quantizes, read_with, written_with


class MergeDoublePairs(EarlyNodePass):
    """What onnxruntime does before everything else: one pair, for the range that both pairs can hold.

    Its DoubleQDQPairsRemover (1.31), for which a zero point that is left out is none.

    That is another number of steps between two values, so the bits of the model change with it; where
    onnxruntime does it, the converted model has to do it as well.
    """

    def matches(self, node: ir.Node) -> bool:
        return quantizes(node) and bool(_after(node)) and constant_or_none(required_input(node, 0)) is None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        while after := _after(node):
            _merge(node, *after, self.context)


def _after(first: ir.Node) -> tuple[ir.Node, ir.Node] | tuple[()]:
    """The DequantizeLinear and the QuantizeLinear after it, each the sole consumer; or nothing."""
    middle = sole_consumer(first.outputs[0], once=True, inside=True)
    second = sole_consumer(middle.outputs[0], once=True, inside=True) if dequantizes(middle) else None
    return (middle, second) if dequantizes(middle) and quantizes(second) else ()


def _merge(first: ir.Node, middle: ir.Node, second: ir.Node, context: Preparation) -> None:
    """first -> middle -> second -> DequantizeLinears, which then consume what first writes."""
    y = second.outputs[0]
    consumers = [use.node for use in y.uses()]
    if y.is_graph_output():
        raise Refusal("the second pair's 8-bit tensor is an output of the graph")
    if not consumers or not all(dequantizes(node) and node.graph is first.graph for node in consumers):
        raise Refusal("something other than DequantizeLinear consumes the second pair's 8-bit tensor")
    if any(node_input(node, 2) is None for node in (first, middle, second, *consumers)):
        raise Refusal("a zero point of the pairs is left out, and then onnxruntime merges none")
    a, b = (written_with(node, any_sign=True) for node in (first, second))
    read = [read_with(middle, a.dtype, any_sign=True) == a]
    read += [read_with(consumer, b.dtype, any_sign=True) == b for consumer in consumers]
    if not all(read):
        raise Refusal("one of the pairs dequantizes otherwise than it quantizes")
    merged = intersection(a, b)
    if merged is None:
        raise Refusal("the pairs have different types, or no range in common")
    for node in (first, *consumers):
        _set(node, merged, context)
    for consumer in consumers:
        consumer.replace_input_with(0, first.outputs[0])
    remove_orphans([second])


def intersection(a: Quantization, b: Quantization) -> Quantization | None:
    """The quantization of the numbers that both can hold, rounded as FindNewZeroPointAndScale does it.

    (onnxruntime 1.30, double_qdq_pairs_remover.cc.)

    Where that is zero alone, its scale is 0, and beside a negative scale it may be negative: no op of qudnn
    takes that, onnxruntime goes on with it.
    None where onnxruntime merges nothing, or where its zero point overflows.
    """
    if a == b:
        return a
    if a.dtype != b.dtype:
        return None
    bounds = np.iinfo(a.dtype.numpy())
    with np.errstate(over="ignore"):
        low, high = (
            [np.float32(q - parameters.zero_point) * parameters.scale for parameters in (a, b)]
            for q in (bounds.min, bounds.max)
        )
        least, greatest = max(low), min(high)
        scale = np.float32((greatest - least) / np.float32(255))
    if scale == 0 and least == 0:
        return Quantization(np.float32(0), 0, a.dtype)  # 0 / 0, which becomes 0 as an integer
    if scale == 0 or not np.isfinite(scale):
        return None
    zero_point = np.floor(np.float32(bounds.min) - least / scale + np.float32(0.5))
    return Quantization(scale, int(np.clip(zero_point, bounds.min, bounds.max)), a.dtype)


def _set(node: ir.Node, parameters: Quantization, context: Preparation) -> None:
    assert node.graph is not None
    arrays = {
        "scale": np.array(parameters.scale, np.float32),
        "zero_point": np.array(parameters.zero_point, parameters.dtype.numpy()),
    }
    for index, (what, array) in enumerate(arrays.items(), 1):
        name = context.names.value(f"{node.outputs[0].name}/{what}")
        node.replace_input_with(index, add_initializer(node.graph, name, array))
    node.attributes.pop("output_dtype", None)
