"""elementwise operators -> GlobalAveragePool or ReduceMean -> another shape -> BatchNormalization
-> QuantizeLinear

=> QTableGlobalAveragePool. Each of these may be missing; the mean alone has an op of its own.

The same without QuantizeLinear, before what works in float32 => QTableGlobalAveragePoolToFloat
"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.float_result import LAST_BITS
from qudnn.converter.frontends.qdq.normalized import Affine, normalization_after
from qudnn.converter.frontends.qdq.result import IN_FLOAT, read_result
from qudnn.converter.frontends.qdq.table_binary import looked_up
from qudnn.converter.frontends.qdq.unary import reach
from qudnn.converter.frontends.qoperator.common import read_axes
from qudnn.converter.frontends.qoperator.reshape import shape_after
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import sole_view
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.elementwise.table_binary import Looked
from qudnn.converter.lowering.image.table_mean import make_table_mean, make_table_mean_to_float
from qudnn.converter.lowering.layout.reshape import make_reshape
from qudnn.converter.lowering.sequence import between, make_sequence
from qudnn.converter.qdq.linear import dequantizes, quantizes

_MOST_VIEWS = 8


def is_mean_of_function(node: ir.Node) -> bool:
    """Whether its input is computed of each element by itself, or its result only gets another shape.

    Or whether its result is normalized, or stays in float32.
    """
    function = required_input(node, 0).producer()
    if has_trait(function, Trait.ELEMENTWISE):
        return True
    if not dequantizes(function):
        return False
    normalized = normalization_after(node.outputs[0]) is not None
    return sole_view(node.outputs[0]) is not None or normalized or _stays_in_float(node)


def mean_of_function(node: ir.Node, facts: Facts) -> Candidate:
    """onnxruntime has an integer form of neither (NodeGroupSelector::GetQDQSelection, 1.31).

    The op adds up as GlobalAveragePool does, ReduceMean in another order. A normalization of the mean is that
    of each element instead: it goes into the table.
    """
    function = required_input(node, 0).producer()
    assert function is not None
    sources, nodes = reach(function, facts)
    if len(sources) != 1:
        raise Refusal("it is a mean of several quantized tensors")
    (x,) = sources
    shape = facts.ranked(x, 3, 4, 5)
    axis = kept_axis(node, shape, facts)
    if _stays_in_float(node):
        return _in_float(node, nodes, x, shape, axis, facts)
    view = sole_view(node.outputs[0])
    normalized = normalization_after((view or node).outputs[0])
    y = read_result(normalized[0] if normalized else view or node).unclamped()
    y_shape = mean_shape(node, view, shape, axis, facts)
    table = looked_up(x, nodes, axis, facts)
    functions = [each for each in reversed(nodes) if not dequantizes(each)]
    after = [] if view is None else [view]
    if normalized is not None:
        normalization, affine = normalized
        table = _normalized(table, affine, y_shape, shape[axis])
        after.append(normalization)
    covers = (node, *functions, *after, *y.covers)
    keeps = len(y_shape) == len(shape)
    mean = y.quantized if keeps else y.quantized._replace(value=between(y.value, "mean"))
    candidate = make_table_mean(covers, table, mean, shape, axis)
    if not keeps:
        (port,) = candidate.outputs
        facts.learn(port)
        flat = make_reshape(covers, port.value, y.value, port.dtype, port.shape, y_shape, facts)
        candidate = make_sequence([candidate, flat])
    is_exact = is_onnx(node, "GlobalAveragePool") and normalized is None
    return candidate if is_exact else replace(candidate, note=IN_FLOAT)


def _normalized(table: Looked, affine: Affine, y_shape: Shape, channels: Size) -> Looked:
    """y_shape: of what is normalized."""
    if len(y_shape) < 2 or y_shape[1] != channels or affine.factor.shape != (channels,):
        raise Refusal("its mean is normalized along another axis than that of the channels")
    with np.errstate(over="ignore", invalid="ignore"):
        values = table.values * affine.factor[:, None] + affine.term[:, None]
    return table._replace(values=np.ascontiguousarray(values))


def _in_float(
    node: ir.Node, nodes: list[ir.Node], x: ir.Value, shape: Shape, axis: int, facts: Facts
) -> Candidate:
    """nodes: from DequantizeLinear to what the mean reads."""
    covers = (node, *(each for each in reversed(nodes) if not dequantizes(each)))
    table = looked_up(x, nodes, axis, facts)
    keeps = bool(node.attributes.get_int("keepdims", 1))
    candidate = make_table_mean_to_float(covers, table, node.outputs[0], keeps, shape, axis)
    return candidate if is_onnx(node, "GlobalAveragePool") else replace(candidate, note=LAST_BITS)


def _stays_in_float(node: ir.Node) -> bool:
    """Whether its result goes to operators that neither quantize it nor only change it elementwise.

    Right away or in another shape.
    """
    waiting = [node.outputs[0]]
    for y in waiting:
        for consumer in (use.node for use in y.uses()):
            if quantizes(consumer) or has_trait(consumer, Trait.ELEMENTWISE) or len(waiting) > _MOST_VIEWS:
                return False
            if has_trait(consumer, Trait.VIEWS):
                waiting.append(consumer.outputs[0])
    return True


def mean_shape(node: ir.Node, view: ir.Node | None, shape: Shape, axis: int, facts: Facts) -> Shape:
    """That of the mean of what has this shape, along all but the first axis and this one; after the view."""
    y_shape: Shape = tuple(size if place in (0, axis) else 1 for place, size in enumerate(shape))
    if not node.attributes.get_int("keepdims", 1):
        y_shape = shape[0], shape[axis]
    return y_shape if view is None else shape_after(view, y_shape, facts)


def kept_axis(node: ir.Node, shape: Shape, facts: Facts) -> int:
    """That of the channels; only the first one stays besides."""
    if is_onnx(node, "GlobalAveragePool"):
        return 1
    axes = read_axes(node, 1, len(shape), facts)
    kept = set(range(len(shape))) - set(axes)
    if len(kept) != 2 or 0 not in kept:
        raise Refusal(f"it reduces the axes {list(axes)}, not all but the first and one more")
    return max(kept)
