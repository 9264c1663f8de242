"""DequantizeLinear -> ArgMax or ArgMin => ArgMaxFromIsland"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qdq.operand import read_operand
from qudnn.converter.frontends.qoperator.arg_max import places
from qudnn.converter.island.candidate import Candidate


def arg_max(node: ir.Node, facts: Facts) -> Candidate:
    """The scale is positive, so that the order of dequantized values is that of the quantized ones."""
    x = read_operand(node, 0, facts)
    return places(node, x.value, x.quantization.dtype, facts)
