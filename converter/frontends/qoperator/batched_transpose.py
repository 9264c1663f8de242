"""Reshape o Transpose o Reshape, `[B,h,m,n] -> [B*h,m,n] -> [B*h,n,m] -> [B,h,n,m]` -> Transpose"""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.graph_edit import only_read_by
from converter.ops.transpose import transpose
from converter.reshaping import resolved
from converter.sizes import Shape


def batched_transpose(node: ir.Node, facts: Facts) -> Candidate | None:
    """The candidate for matrices transposed in one long batch, which the Reshape `node` ends; else None."""
    middle = required_input(node, 0).producer()
    if middle is None or middle.op_type != "Transpose" or not only_read_by(middle, node):
        return None
    if list(middle.attributes.get_ints("perm", [2, 1, 0])) != [0, 2, 1]:
        return None
    merge = required_input(middle, 0).producer()
    if merge is None or merge.op_type != "Reshape" or not only_read_by(merge, middle):
        return None
    x = required_input(merge, 0)
    shape = facts.shape(x)
    if shape is None or len(shape) < 3:
        return None
    *batch, m, n = shape
    try:
        merged = _resolved(merge, facts, shape)
        # What the second Reshape reads has as many elements: its -1 stands for the same.
        parted = _resolved(node, facts, (*batch, n, m))
    except Refusal:
        return None
    if merged[1:] != (m, n) or len(merged) != 3 or parted != (*batch, n, m):
        return None
    rank = len(shape)
    perm = [*range(rank - 2), rank - 1, rank - 2]
    return transpose((merge, middle, node), x, node.outputs[0], facts.eight_bit(x), perm, facts)


def _resolved(reshape: ir.Node, facts: Facts, shape: Shape) -> Shape:
    target = facts.numbers(required_input(reshape, 1))
    if target is None or 0 in target:
        raise Refusal("its shape is not known")
    return resolved(target, shape, allow_zero=True)
