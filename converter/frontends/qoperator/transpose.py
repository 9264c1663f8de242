"""Transpose on 8-bit values => the same inside, or nothing"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.transpose import make_transpose


def transpose(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    rank = len(facts.ranked(x))
    perm = node.attributes.get_ints("perm", list(range(rank))[::-1])
    return make_transpose((node,), x, node.outputs[0], dtype, list(perm), facts)
