"""Matrices that are transposed in one long batch: `[B,h,m,n] -> [B*h,m,n] -> [B*h,n,m] -> [B,h,n,m]`

By Reshape, Transpose and Reshape, as PyTorch exports scaled_dot_product_attention.
"""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import consumed_only_by
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.reshaping import resolved
from qudnn.converter.graph.sizes import Shape


class BatchedTranspose(NamedTuple):
    """One Transpose of x by perm; nodes: the three that do it."""

    nodes: tuple[ir.Node, ir.Node, ir.Node]
    x: ir.Value
    perm: list[int]


def find_batched_transpose(node: ir.Node, facts: Facts) -> BatchedTranspose | None:
    """What the Reshape `node` ends, if it does."""
    middle = required_input(node, 0).producer()
    if not is_onnx(middle, "Transpose") or not consumed_only_by(middle, node):
        return None
    if list(middle.attributes.get_ints("perm", [2, 1, 0])) != [0, 2, 1]:
        return None
    merge = required_input(middle, 0).producer()
    if not is_onnx(merge, "Reshape") or not consumed_only_by(merge, middle):
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
    return BatchedTranspose((merge, middle, node), x, [*range(rank - 2), rank - 1, rank - 2])


def _resolved(reshape: ir.Node, facts: Facts, shape: Shape) -> Shape:
    target = facts.numbers(required_input(reshape, 1))
    if target is None or 0 in target:
        raise Refusal("its shape is not known")
    return resolved(target, shape, allow_zero=True)
