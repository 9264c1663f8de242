"""Flatten of `[N,C,1,1]` to `[N,C]` -> the same on `[N,1,1,Cp]`"""

import onnx_ir as ir

from converter.candidate import Candidate, Port
from converter.constants import required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.layout import Layout


def flatten(node: ir.Node, facts: Facts) -> Candidate:
    axis = node.attributes.get_int("axis", 1)
    if axis not in (1, -3):
        raise Refusal(f"axis {axis} is not supported")
    return flattened(node, facts)


def flattened(node: ir.Node, facts: Facts) -> Candidate:
    """The candidate for a node that makes `[N,C]` of its input 0, which has to be `[N,C,1,1]`.

    With one element per channel, channels-first and channels-last are the same, padding apart.
    """
    x, y = required_input(node, 0), node.outputs[0]
    dtype = facts.eight_bit(x)
    n, channels, *spatial = facts.ranked(x, 4)
    if spatial != [1, 1] or not isinstance(channels, int):
        raise Refusal("its input is not known to be [N, C, 1, 1]")
    return Candidate(
        (node,),
        "Flatten",
        domain="",
        inputs=(Port(x, Layout(4, 1, channels), dtype),),
        output=Port(y, Layout(2, 1, channels), dtype),
        shape=(n, channels),
        attributes={"axis": 1},
    )
