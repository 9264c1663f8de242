"""ArgMax and ArgMin of 8-bit values => ArgMaxFromIsland"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.common import from_front
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.border.arg_max import ArgMax, make_arg_max


def arg_max(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    return places(node, x, facts.eight_bit(x), facts)


def places(node: ir.Node, x: ir.Value, dtype: ir.DataType, facts: Facts) -> Candidate:
    """The candidate for the node where x is what it compares."""
    axis = from_front(node.attributes.get_int("axis", 0), len(facts.ranked(x)))
    op = ArgMax(
        is_onnx(node, "ArgMax"),
        bool(node.attributes.get_int("select_last_index", 0)),
        bool(node.attributes.get_int("keepdims", 1)),
    )
    return make_arg_max((node,), x, node.outputs[0], dtype, axis, op, facts)
