"""DequantizeLinear -> ReduceMean, ReduceSum, ReduceMax, ReduceMin or GlobalMaxPool -> QuantizeLinear"""

from dataclasses import replace

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.mean_of_function import is_mean_of_function, mean_of_function
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qoperator.common import read_axes
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.image.average_pool import make_global_average_pool
from qudnn.converter.lowering.image.reduction import Reduction, make_reduction
from qudnn.converter.lowering.layout.reshape import make_reshape
from qudnn.converter.lowering.sequence import between, make_sequence

_REDUCTIONS = {
    "ReduceMean": Reduction.MEAN,
    "ReduceSum": Reduction.SUM,
    "ReduceMax": Reduction.MAX,
    "ReduceMin": Reduction.MIN,
}


def reduction(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x and, in newer opsets, axes. An extreme has onnxruntime's bits: it is a value of x."""
    if is_onnx(node, "ReduceMean") and is_mean_of_function(node):
        return mean_of_function(node, facts)
    x = read_operand(node, 0, facts)
    shape = facts.ranked(x.value)
    axes = read_axes(node, 1, len(shape), facts)
    if not axes:
        raise Refusal("it reduces no axis")
    keeps = bool(node.attributes.get_int("keepdims", 1))
    kind = _REDUCTIONS[node.op_type]
    y = read_result(node)
    if kind in (Reduction.MAX, Reduction.MIN):
        covers = (node, *y.covers)
        return make_reduction(kind, covers, x.quantized, y.quantized, axes, keeps, facts, y.clamp)
    y = y.unclamped()
    covers = (node, *y.covers)
    kept = set(range(len(shape))) - set(axes)
    if kind is Reduction.MEAN and len(kept) == 2 and 0 in kept and len(shape) in (3, 4, 5):
        candidate = _mean(covers, x.quantized, y.quantized, max(kept), keeps, facts)
    else:
        candidate = make_reduction(kind, covers, x.quantized, y.quantized, axes, keeps, facts)
    return replace(candidate, note=IN_FLOAT)


def global_max_pool(node: ir.Node, facts: Facts) -> Candidate:
    x = read_operand(node, 0, facts)
    y = read_result(node)
    axes = range(2, len(facts.ranked(x.value, 3, 4, 5)))
    covers = (node, *y.covers)
    return make_reduction(Reduction.MAX, covers, x.quantized, y.quantized, axes, True, facts, y.clamp)


def _mean(
    covers: tuple[ir.Node, ...], x: Quantized, y: Quantized, channel_axis: int, keeps: bool, facts: Facts
) -> Candidate:
    """Over all axes but the first and one more, of any sizes."""
    shape = facts.ranked(x.value)
    mean = y if keeps else y._replace(value=between(y.value, "mean"))
    candidate = make_global_average_pool(covers, x, mean, shape, channel_axis)
    if keeps:
        return candidate
    (port,) = candidate.outputs
    facts.learn(port)
    y_shape = (shape[0], shape[channel_axis])
    flat = make_reshape(covers, port.value, y.value, port.dtype, port.shape, y_shape, facts)
    return make_sequence([candidate, flat])
