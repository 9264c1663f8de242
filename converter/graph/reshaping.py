"""Shapes as Reshape has them."""

from collections.abc import Sequence

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, divided, guessed, product, quotient, unknown


def keeps_zeros(reshape: ir.Node) -> bool:
    """Whether a 0 in the target is a size of 0, not that of the input: 1 (onnxruntime 1.30, reshape.h)."""
    return reshape.attributes.get_int("allowzero", 0) == 1


def target_of(sizes: Shape, old: Shape) -> tuple[int, ...]:
    """sizes in Reshape's form: 0 for one that stays in its place, -1 for one that cannot be said."""
    target: list[int] = []
    for place, size in enumerate(sizes):
        if place < len(old) and size == old[place]:
            target.append(0)
        elif isinstance(size, int):
            target.append(size)
        elif -1 in target:
            raise Refusal("several of its sizes are unknown")
        else:
            target.append(-1)
    return tuple(target)


def resolved(target: Sequence[Size], x_shape: Shape, allow_zero: bool) -> Shape:
    """The shape that Reshape's target means for an input of x_shape; unknown sizes in it count as such."""
    sizes: list[Size] = []
    for place, size in enumerate(target):
        if size == 0 and not allow_zero:
            if place >= len(x_shape):
                raise Refusal("its shape refers to a dimension that its input lacks")
            sizes.append(x_shape[place])
        else:
            sizes.append(size)
    if -1 in sizes:
        place = sizes.index(-1)
        whole, others = product(x_shape), product((*sizes[:place], *sizes[place + 1 :]))
        sizes[place] = _rest(whole, others)
    return tuple(sizes)


def _rest(whole: Size, others: Size) -> Size:
    """whole / others, a whole number where the model runs."""
    if isinstance(others, int) and others > 0:
        return divided(whole, others)
    exact = quotient(whole, others)
    return unknown(f"({whole})/({others})", guessed(whole) // guessed(others)) if exact is None else exact
