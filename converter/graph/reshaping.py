"""Shapes as Reshape has them."""

from collections.abc import Callable, Sequence

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.sizes import Shape, Size, product, rest_of


def keeps_zeros(reshape: ir.Node) -> bool:
    """Whether a 0 in the target is a size of 0, not that of the input: 1 (onnxruntime 1.30, reshape.h)."""
    return reshape.attributes.get_int("allowzero", 0) == 1


def target_of(sizes: Shape, old: Shape) -> tuple[int, ...]:
    """sizes in Reshape's form: 0 for one that stays in its place, -1 for one that cannot be said."""
    target = run_time_target(sizes, old, lambda size: False)
    return tuple(size for size in target if isinstance(size, int))


def run_time_target(sizes: Shape, old: Shape, is_computable: Callable[[Size], bool]) -> Shape:
    """As target_of; of several that cannot be said, those that can be computed when the model runs."""
    target = [0 if place < len(old) and size == old[place] else size for place, size in enumerate(sizes)]
    places = [place for place, size in enumerate(target) if not isinstance(size, int)]
    inferred = next((place for place in places if not is_computable(target[place])), min(places, default=0))
    for place in places:
        if place == inferred:
            target[place] = -1
        elif not is_computable(target[place]):
            raise Refusal("several of its sizes are unknown")
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
        sizes[place] = rest_of(whole, others)
    return tuple(sizes)
