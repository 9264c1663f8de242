"""Reshape -> Transpose -> Reshape, `[B,h,m,n] -> [B*h,m,n] -> [B*h,n,m] -> [B,h,n,m]` => Transpose"""

import onnx_ir as ir

from qudnn.converter.analysis.batched_transpose import find_batched_transpose
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.transpose import make_transpose


def match_batched_transpose(node: ir.Node, facts: Facts) -> Candidate | None:
    """The candidate for matrices transposed in one long batch, which the Reshape `node` ends; else None."""
    found = find_batched_transpose(node, facts)
    if found is None:
        return None
    dtype = facts.eight_bit(found.x)
    return make_transpose(found.nodes, found.x, node.outputs[0], dtype, found.perm, facts)
