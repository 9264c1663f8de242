"""Reshape -> Transpose -> Reshape, `[N,g,C/g,H,W] -> [N,C/g,g,H,W]`, back to `[N,C,H,W]` => nothing"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.graph.edit import consumed_only_by
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.reshaping import resolved
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.layout.take import make_channels


def match_channel_shuffle(node: ir.Node, facts: Facts) -> Candidate | None:
    """The candidate for the shuffle that the Reshape `node` ends; None where it ends none."""
    transpose = required_input(node, 0).producer()
    if not is_onnx(transpose, "Transpose") or not consumed_only_by(transpose, node):
        return None
    divide = required_input(transpose, 0).producer()
    if not is_onnx(divide, "Reshape") or not consumed_only_by(divide, transpose):
        return None
    x = required_input(divide, 0)
    shape = facts.shape(x)
    if shape is None or facts.channel_axis(x) not in (None, 1):
        return None
    rank = len(shape)
    try:
        parts = resolved(constant(node_input(divide, 1), "shape").tolist(), shape, False)
        whole = resolved(constant(node_input(node, 1), "shape").tolist(), shape, False)
    except Refusal:
        return None
    perm = list(transpose.attributes.get_ints("perm", []))
    groups, size = parts[1:3] if len(parts) == rank + 1 else (None, None)
    swaps = perm == [0, 2, 1, *range(3, rank + 1)]
    kept = (parts[0], *parts[3:]) == (shape[0], *shape[2:])
    if not swaps or not kept or whole != shape or not isinstance(groups, int) or not isinstance(size, int):
        return None
    order = np.arange(groups * size).reshape(groups, size).T.reshape(-1).tolist()
    return make_channels((divide, transpose, node), x, node.outputs[0], facts.eight_bit(x), order, 1, facts)
