"""Shapes as Reshape has them."""

from collections.abc import Sequence
from math import prod

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, Unknown


def keeps_zeros(reshape: ir.Node) -> bool:
    """Whether a 0 in the target is a size of 0, not that of the input: 1 (onnxruntime 1.30, reshape.h)."""
    return reshape.attributes.get_int("allowzero", 0) == 1


def product(sizes: Shape) -> tuple[int, tuple[Unknown, ...]]:
    """The known sizes, multiplied, and the unknown ones."""
    unknown = sorted((s for s in sizes if isinstance(s, Unknown)), key=str)
    return prod(s for s in sizes if isinstance(s, int)), tuple(unknown)


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
        (known, unknown), (all_known, all_unknown) = (
            product((*sizes[:place], *sizes[place + 1 :])),
            product(x_shape),
        )
        left = list(all_unknown)
        for name in unknown:
            if name not in left:
                raise Refusal("its shape is not known")
            left.remove(name)
        if not left and known and all_known % known == 0:
            sizes[place] = all_known // known
        elif len(left) == 1 and all_known == known:
            sizes[place] = left[0]
        else:
            is_whole = known and all_known % known == 0
            factor = str(all_known // known) if is_whole else f"({all_known}/{known})"
            sizes[place] = Unknown("*".join([factor, *map(str, left)]))
    return tuple(sizes)
