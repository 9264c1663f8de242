"""A tensor as another one that it was moved or taken out of: transposed, one element of an axis."""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.batched_transpose import find_batched_transpose
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after


class View(NamedTuple):
    """The value with its axes in this order; but for one, `single`, of which it is this one element.

    element: None where the axis has no other.
    """

    value: ir.Value
    axes: list[int]
    single: int | None = None
    element: int | None = None

    def further(self, facts: Facts) -> "View | None":
        """The same tensor, as a view of what the value was made of; None where it was computed."""
        node = self.value.producer()
        if not is_onnx(node, *_STEPS):
            return None
        return _STEPS[node.op_type](self, node, facts)

    def _transposed(self, x: ir.Value, perm: list[int]) -> "View | None":
        if len(perm) != len(self.axes) + (self.single is not None):
            return None
        single = None if self.single is None else perm[self.single]
        return View(x, after(perm, self.axes), single, self.element)

    def _with_axis(self, x: ir.Value, axis: int, index: int | None) -> "View | None":
        """Of a tensor that has this axis besides."""
        if self.single is not None or axis < 0:
            return None
        return View(x, [other + (other >= axis) for other in self.axes], axis, index)

    def _of_part(self, x: ir.Value, axis: int, start: int) -> "View | None":
        """Of a tensor of which a part of one element along the axis is viewed, that one."""
        if axis != self.single or self.element is not None or start < 0:
            return None
        return View(x, self.axes, axis, start)


def _transpose(view: View, node: ir.Node, facts: Facts) -> View | None:
    if "perm" not in node.attributes:
        return None
    return view._transposed(required_input(node, 0), list(node.attributes["perm"].as_ints()))


def _reshape(view: View, node: ir.Node, facts: Facts) -> View | None:
    """One that changes nothing, or ends a transposition in one long batch."""
    x, shape = required_input(node, 0), facts.shape(view.value)
    if shape is not None and shape == facts.shape(x):
        return view._replace(value=x)
    found = find_batched_transpose(node, facts)
    return None if found is None else view._transposed(found.x, found.perm)


def _gather(view: View, node: ir.Node, facts: Facts) -> View | None:
    index = constant_or_none(required_input(node, 1))
    if index is None or index.ndim or index < 0:
        return None
    return view._with_axis(required_input(node, 0), node.attributes.get_int("axis", 0), int(index))


def _squeeze(view: View, node: ir.Node, facts: Facts) -> View | None:
    axes = _integers(node, 1)
    return None if len(axes) != 1 else view._with_axis(required_input(node, 0), axes[0], None)


def _slice(view: View, node: ir.Node, facts: Facts) -> View | None:
    starts, ends, axes, steps = (_integers(node, index) for index in range(1, 5))
    if [len(numbers) for numbers in (starts, ends, axes)] != [1, 1, 1] or steps not in ([], [1]):
        return None
    if ends[0] != starts[0] + 1:
        return None
    return view._of_part(required_input(node, 0), axes[0], starts[0])


def _split(view: View, node: ir.Node, facts: Facts) -> View | None:
    if set(_integers(node, 1)) != {1}:
        return None
    axis = node.attributes.get_int("axis", 0)
    return view._of_part(required_input(node, 0), axis, list(node.outputs).index(view.value))


def _integers(node: ir.Node, index: int) -> list[int]:
    """The constants of an input; none where it is left out or computed."""
    value = node_input(node, index)
    array = None if value is None else constant_or_none(value)
    return [] if array is None else [int(number) for number in array.reshape(-1)]


_STEPS = {
    "Gather": _gather,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
}
