"""Expand and Tile on 8-bit values, which repeat single elements along axes other than that of the channels"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import read_required_sizes
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.sizes import Shape, Size
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.expand import make_expand


def expand(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x and a shape, with which that of x is broadcast."""
    x = required_input(node, 0)
    dtype, shape = facts.eight_bit(x), facts.ranked(x)
    target = read_required_sizes(node, 1, "shape", "shape", facts)
    rank = max(len(shape), len(target))
    before, wanted = _of_rank(shape, rank), _of_rank(target, rank)
    sizes = tuple(_broadcast(size, other) for size, other in zip(before, wanted, strict=True))
    return make_expand((node,), x, node.outputs[0], dtype, shape, sizes, facts)


def tile(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x and how often it is repeated along each axis."""
    x = required_input(node, 0)
    dtype, shape = facts.eight_bit(x), facts.ranked(x)
    repeats = read_required_sizes(node, 1, "repeats", "repeats", facts)
    if len(repeats) != len(shape):
        raise Refusal(f"it has {len(repeats)} repeats for {len(shape)} dimensions")
    if any(size != 1 and times != 1 for size, times in zip(shape, repeats, strict=True)):
        raise Refusal("it repeats several elements, not a single one")
    sizes = tuple(times if size == 1 else size for size, times in zip(shape, repeats, strict=True))
    return make_expand((node,), x, node.outputs[0], dtype, shape, sizes, facts)


def _of_rank(shape: Shape, rank: int) -> Shape:
    return (*[1] * (rank - len(shape)), *shape)


def _broadcast(size: Size, wanted: Size) -> Size:
    """The common size of two that may be broadcast."""
    if size == 1 or size == wanted:
        return wanted
    if wanted == 1 or isinstance(size, int):
        return size
    raise Refusal(f"it is not known whether it repeats {size} elements")
