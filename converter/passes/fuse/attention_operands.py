"""The operands of the two matmuls of an attention in float32: heads, transposed and scaled."""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.views import View
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.passes.fuse.numbers_from_sizes import numbers_of

ROWS = [0, 2, 1, 3]  # `[B,S,heads,D] -> [B,heads,S,D]`
COLUMNS = [0, 2, 3, 1]  # `[B,S,heads,D] -> [B,heads,D,S]`
_PARTS = 2  # the axis of `[B,S,parts,heads,D]`


class Scale(NamedTuple):
    """A number that something is multiplied or divided by. computed: as Numbers has it."""

    number: float = 1.0
    computed: bool = False

    def shape(self, heads: int) -> list[int]:
        """Of the constant that stands for it in an op's body, see there."""
        return [heads, 1, 1] if self.computed else [1]


class Heads(NamedTuple):
    """float32 `[B,S,heads,D]`, `number` of them, multiplied by the factor before the matmul.

    shape: that. value: the tensor that has them, so lying, or `[B,S,parts,heads,D]`: they are those from
    `first` on of `[B,S,parts*heads,D]` then.
    """

    value: ir.Value
    shape: Shape
    number: int
    factor: Scale
    first: int = 0


def heads(operand: ir.Value, perm: list[int], facts: Facts, what: str) -> Heads:
    """The first tensor, from the inputs of the model on, that a matmul consumes transposed by perm.

    It may be scaled by one number as well.
    """
    view: View | None = View(operand, list(range(len(perm))))
    scale, found, factor = Scale(), None, Scale()
    while view is not None:
        scaled = scaled_by_number(view.value, facts) or _divided_exactly(view.value, facts)
        if scaled is not None and scale.number == 1:
            view, scale = view._replace(value=scaled[0]), scaled[1]
            continue
        if _lies(view, perm):
            found, factor = view, scale
        view = view.further(facts)
    if found is None:
        raise Refusal(f"its {what} are not heads that lie side by side and are transposed by {perm}")
    if facts.dtype(found.value) != ir.DataType.FLOAT:
        raise Refusal(f"its {what} are not known to be float32")
    batch, length, *parts, number, size = facts.ranked(found.value, len(perm) + (found.single is not None))
    if not isinstance(number, int) or not all(isinstance(part, int) for part in parts):
        raise Refusal(f"the number of heads of its {what} is unknown")
    return Heads(found.value, (batch, length, number, size), number, factor, (found.element or 0) * number)


def _lies(view: View, perm: list[int]) -> bool:
    """Whether it is all of `[B,S,heads,D]` or a part of `[B,S,parts,heads,D]`, transposed."""
    if view.single is None:
        return view.axes == perm
    apart = [axis + (axis >= _PARTS) for axis in perm]
    return view.element is not None and view.single == _PARTS and view.axes == apart


def scaled_by_number(value: ir.Value, facts: Facts, op_type: str = "Mul") -> tuple[ir.Value, Scale] | None:
    """What was multiplied by one number, or divided, and the number."""
    node = value.producer()
    if not is_onnx(node, op_type):
        return None
    a, b = required_input(node, 0), required_input(node, 1)
    for x, other in ((a, b), (b, a))[: 2 if op_type == "Mul" else 1]:
        found = numbers_of(other, facts)
        if found is None or found.array.size != 1 or found.array.ndim > 1:
            continue
        number = float(found.array.reshape(()))
        if np.isfinite(number) and number != 0:
            return x, Scale(number, found.computed)
    return None


def _divided_exactly(value: ir.Value, facts: Facts) -> tuple[ir.Value, Scale] | None:
    """What was divided by a power of two, and the number that gives the same by multiplication."""
    divided = scaled_by_number(value, facts, "Div")
    if divided is None:
        return None
    x, scale = divided
    fraction, exponent = np.frexp(scale.number)
    exact = abs(fraction) == 0.5 and abs(exponent) < 100
    return (x, scale._replace(number=1 / scale.number)) if exact else None
