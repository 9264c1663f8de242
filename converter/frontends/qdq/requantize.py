"""QuantizeLinear of a DequantizeLinear's result => QTable"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.unary import table
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.qdq.linear import dequantizes


def requantize(node: ir.Node, facts: Facts) -> Candidate:
    """The same tensor with another scale, zero point or type."""
    dequantize = required_input(node, 0).producer()
    if dequantize is None or not dequantizes(dequantize):
        raise Refusal("it is not at the border of an island")
    x = required_input(dequantize, 0)
    if constant_or_none(x) is not None:
        raise Refusal("it quantizes a constant")
    return table(x, [dequantize], node, facts)
