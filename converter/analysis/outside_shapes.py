"""The shapes of what operators outside of islands make, as far as their inputs' shapes and numbers tell.

ONNX's inference gives every size that it cannot compute a name of its own. Of a tensor that enters an island
beside another it has to be known whether they have one size.
"""

from collections.abc import Callable
from typing import Protocol

import onnx_ir as ir

from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.op_traits import Trait, is_onnx, operators_with
from qudnn.converter.graph.reshaping import keeps_zeros, resolved
from qudnn.converter.graph.sizes import Shape, Size, Unknown, broadcast, plus, shifted
from qudnn.converter.graph.slices import part_of


class Known(Protocol):
    """What is known already."""

    def shape(self, value: ir.Value) -> Shape | None: ...

    def numbers(self, value: ir.Value) -> Shape | None: ...


def outside_shape(node: ir.Node, known: Known) -> Shape | None:
    """The shape of the node's first output; None where it is not known here."""
    rule = _RULES.get((node.domain, node.op_type))
    if rule is None or not node.inputs:
        return None
    shapes = [None if value is None else known.shape(value) for value in node.inputs]
    if shapes[0] is None:
        return None
    try:
        return rule(node, shapes, known)
    except (Refusal, ArithmeticError, LookupError, TypeError, ValueError):  # what does not fit together
        return None


def _kept(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    return shapes[0]


def _of_all(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    out: Shape = ()
    for shape in shapes:
        if shape is None:
            return None
        out = broadcast(out, shape)
    return out


def _as_indices(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    return shapes[1]


def _filled(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    return _numbers(node, 0, known)


def _expand(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """What is of unknown size has the size of the target, unless that is 1; of two unknown sizes too."""
    target = _numbers(node, 1, known)
    if shapes[0] is None or target is None:
        return None
    x = (1,) * (len(target) - len(shapes[0])) + shapes[0]
    target = (1,) * (len(x) - len(target)) + target
    grown = (1 if isinstance(a, Unknown) and b != 1 else a for a, b in zip(x, target, strict=True))
    return broadcast(tuple(grown), target)


def _gather(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    x, indices = shapes[0], shapes[1]
    if x is None or indices is None:
        return None
    axis = node.attributes.get_int("axis", 0) % len(x)
    return (*x[:axis], *indices, *x[axis + 1 :])


def _matmul(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    a, b = shapes
    if a is None or b is None or min(len(a), len(b)) < 2:
        return None
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def _fused_matmul(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """As MatMul, of operands of which the last two axes may be exchanged."""
    operands = list(shapes)
    for index, name in enumerate("AB"):
        if node.attributes.get_int(f"transBatch{name}", 0):
            return None
        shape = operands[index]
        if node.attributes.get_int(f"trans{name}", 0) and shape is not None and len(shape) > 1:
            operands[index] = (*shape[:-2], shape[-1], shape[-2])
    return _matmul(node, operands, known)


def _embedding(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    ids, table = shapes[0], shapes[2]
    return None if ids is None or table is None else (*ids, table[-1])


def _pad(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """With amounts that may be unknown; of an older opset they are constant, and ONNX's inference knows."""
    x, pads = shapes[0], _numbers(node, 1, known)
    if x is None or pads is None:
        return None
    axes: Shape | None = tuple(range(len(x)))
    if len(node.inputs) > 3 and node.inputs[3] is not None:
        axes = _numbers(node, 3, known)
    if axes is None or len(pads) != 2 * len(axes):
        return None
    sizes = list(x)
    for place, axis in enumerate(axes):
        if not isinstance(axis, int) or not -len(x) <= axis < len(x):
            return None
        sizes[axis] = plus(sizes[axis], plus(pads[place], pads[place + len(axes)]))
    return tuple(sizes)


def _convolved(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    x, weights = shapes[0], shapes[3] if is_onnx(node, "QLinearConv") else shapes[1]
    if x is None or weights is None or len(x) != len(weights) or len(x) < 3:
        return None
    kernel = tuple(size for size in weights[2:] if isinstance(size, int))
    if len(kernel) < len(x) - 2:
        return None
    return (x[0], weights[0], *read_geometry(node, kernel, x, most=3).output(*x[2:]))


def _pooled(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    x, kernel = shapes[0], tuple(node.attributes.get_ints("kernel_shape", []))
    if x is None or len(x) < 3 or len(kernel) != len(x) - 2:
        return None
    if node.attributes.get_int("channels_last", 0) == 1:
        return None
    return (*x[:2], *read_geometry(node, kernel, x, most=3).output(*x[2:]))


def _qlinear_binary(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    a, b = (shapes[index] if index < len(shapes) else None for index in (0, 3))
    return None if a is None or b is None else broadcast(a, b)


def _qlinear_matmul(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    return _matmul(node, [shapes[0], shapes[3]], known) if len(shapes) > 3 else None


def _qlinear_concat(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """The tensors stand after the result's scale and zero point, each before its own."""
    return _concat(node, shapes[2::3], known)


def _concat(node: ir.Node, parts: list[Shape | None], known: Known) -> Shape | None:
    first, axis = parts[0] if parts else None, node.attributes.get_int("axis", 0)
    if first is None or any(part is None or len(part) != len(first) for part in parts):
        return None
    axis %= len(first)
    total: Size = 0
    for part in parts:
        total = plus(total, (part or ())[axis])
    return (*first[:axis], total, *first[axis + 1 :])


def _range(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """From 0 on, each number up to the limit."""
    start, limit, step = (_numbers(node, index, known) for index in range(3))
    return limit if start == (0,) and step == (1,) else None


def _reshape(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    target = _numbers(node, 1, known)
    if shapes[0] is None or target is None:
        return None
    return resolved(target, shapes[0], keeps_zeros(node))


def _resize(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """To sizes that are computed, of all axes."""
    sizes = _numbers(node, 3, known)
    policy = node.attributes.get_string("keep_aspect_ratio_policy", "stretch")
    if shapes[0] is None or sizes is None or policy != "stretch" or len(sizes) != len(shapes[0]):
        return None
    return None if "axes" in node.attributes else sizes


def _slice(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    """Up to an unknown place of an axis of many elements: so many, or the model fails where it needs them."""
    bounds = [_numbers(node, index, known) for index in range(1, len(node.inputs))]
    if shapes[0] is None or len(bounds) < 2 or any(bound is None for bound in bounds):
        return None
    starts, ends, *rest = [bound or () for bound in bounds]
    axes = rest[0] if rest else tuple(range(len(starts)))
    steps = rest[1] if len(rest) > 1 else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        return None
    sizes: list[Size] = list(shapes[0])
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if not isinstance(axis, int) or not isinstance(step, int) or step < 1:
            return None
        size = sizes[axis]
        if isinstance(size, int) and size > 1 and isinstance(start, int) and start >= 0 and step == 1:
            of_known = isinstance(end, int)
            sizes[axis] = part_of(size, start, end, 1) if of_known else shifted(end, -start)
        else:
            sizes[axis] = part_of(size, start, end, step)
    return tuple(sizes)


def _squeeze(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    axes = _numbers(node, 1, known)
    if shapes[0] is None or axes is None:
        return None
    dropped = {axis % len(shapes[0]) for axis in axes if isinstance(axis, int)}
    return tuple(size for axis, size in enumerate(shapes[0]) if axis not in dropped)


def _transpose(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    x = shapes[0] or ()
    return tuple(x[axis] for axis in node.attributes.get_ints("perm", range(len(x))[::-1]))


def _unsqueeze(node: ir.Node, shapes: list[Shape | None], known: Known) -> Shape | None:
    axes = _numbers(node, 1, known)
    if shapes[0] is None or axes is None:
        return None
    rank = len(shapes[0]) + len(axes)
    added = {axis % rank for axis in axes if isinstance(axis, int)}
    if len(added) < len(axes):
        return None
    sizes = iter(shapes[0])
    return tuple(1 if axis in added else next(sizes) for axis in range(rank))


def _numbers(node: ir.Node, index: int, known: Known) -> Shape | None:
    value = node.inputs[index] if index < len(node.inputs) else None
    return None if value is None else known.numbers(value)


_Rule = Callable[[ir.Node, list[Shape | None], Known], Shape | None]

_RULES: dict[tuple[str, str], _Rule] = {
    **dict.fromkeys(operators_with(Trait.KEEPS_SHAPE), _kept),
    **dict.fromkeys(operators_with(Trait.BROADCASTS), _of_all),
    ("", "AveragePool"): _pooled,
    ("", "Concat"): _concat,
    ("", "ConstantOfShape"): _filled,
    ("", "Conv"): _convolved,
    ("", "ConvInteger"): _convolved,
    ("", "Expand"): _expand,
    ("", "Gather"): _gather,
    ("", "GatherElements"): _as_indices,
    ("", "MatMul"): _matmul,
    ("", "MaxPool"): _pooled,
    ("com.microsoft", "QLinearAveragePool"): _pooled,
    ("com.microsoft", "QLinearAdd"): _qlinear_binary,
    ("com.microsoft", "QLinearMul"): _qlinear_binary,
    ("com.microsoft", "QLinearLeakyRelu"): _kept,
    ("com.microsoft", "QLinearSigmoid"): _kept,
    ("com.microsoft", "QLinearSoftmax"): _kept,
    ("com.microsoft", "QLinearConcat"): _qlinear_concat,
    ("", "QLinearConv"): _convolved,
    ("", "QLinearMatMul"): _qlinear_matmul,
    ("com.microsoft", "EmbedLayerNormalization"): _embedding,
    ("com.microsoft", "FusedMatMul"): _fused_matmul,
    ("", "Pad"): _pad,
    ("", "Range"): _range,
    ("", "Reshape"): _reshape,
    ("", "Resize"): _resize,
    ("", "ScatterElements"): _kept,
    ("", "ScatterND"): _kept,
    ("", "Slice"): _slice,
    ("", "Squeeze"): _squeeze,
    ("", "Transpose"): _transpose,
    ("", "Unsqueeze"): _unsqueeze,
}
