"""Two Q/DQ pairs, one after the other => one of them"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.context import Preparation
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, sole_consumer
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import dequantizes, quantizes, read_with, written_with


class MergeDoublePairs(EarlyPass):
    """What onnxruntime does before everything else: one pair, for the range that both pairs can hold.

    Its DoubleQDQPairsRemover (1.31), for which a zero point that is left out is none.

    That is another number of steps between two values, so the bits of the model change with it; where
    onnxruntime does it, the converted model has to do it as well.
    """

    def run(self, model: ir.Model) -> None:
        for quantize in list(model.graph):
            if quantizes(quantize) and quantize.graph is model.graph:
                while _merge(quantize, self.context):
                    pass


def _merge(first: ir.Node, context: Preparation) -> bool:
    """first -> DequantizeLinear -> second -> DequantizeLinears that take the place of the one before."""
    middle = sole_consumer(first.outputs[0], once=True)
    second = None if middle is None else sole_consumer(middle.outputs[0], once=True)
    if middle is None or second is None or not (dequantizes(middle) and quantizes(second)):
        return False
    consumers = [use.node for use in second.outputs[0].uses()]
    if second.outputs[0].is_graph_output() or not consumers or not all(map(dequantizes, consumers)):
        return False
    nodes = (first, middle, second, *consumers)
    if any(node.graph is not first.graph or node_input(node, 2) is None for node in nodes):
        return False  # onnxruntime merges none that leaves its zero point out
    try:
        a, b = (written_with(node, any_sign=True) for node in (first, second))
        if read_with(middle, a.dtype, any_sign=True) != a or any(
            read_with(consumer, b.dtype, any_sign=True) != b for consumer in consumers
        ):
            return False
        merged = intersection(a, b)
    except Refusal:
        return False
    if constant_or_none(required_input(first, 0)) is not None or merged is None:
        return False
    for node in (first, *consumers):
        _set(node, merged, context)
    for consumer in consumers:
        consumer.replace_input_with(0, first.outputs[0])
    remove_orphans([second])
    return True


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
