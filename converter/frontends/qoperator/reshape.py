"""Reshape of `[N,C,1,1]` to `[N,C]` -> Flatten on `[N,1,1,Cp]`"""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import constant, node_input, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qoperator.flatten import flattened


def reshape(node: ir.Node, facts: Facts) -> Candidate:
    facts.eight_bit(required_input(node, 0))
    target = constant(node_input(node, 1), "shape").tolist()
    n, channels, *_ = facts.ranked(required_input(node, 0), 4)
    copies = 0 if not node.attributes.get_int("allowzero", 0) else None  # what stands for "as it was"
    # One of the two sizes has to be the input's own by itself; then so is the other.
    own_rows = target[:1] == [n] or target[:1] == [copies]
    own_columns = target[1:] == [channels] or target[1:] == [copies]
    if len(target) != 2 or not (own_rows or own_columns):
        raise Refusal(f"the shape {target} is not known to be [N, C]")
    return flattened(node, facts)
