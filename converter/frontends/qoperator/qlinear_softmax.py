"""com.microsoft QLinearSoftmax => QSoftmax"""

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.frontends.qoperator.common import read_input, read_output
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.softmax import make_softmax


def qlinear_softmax(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, x_scale, x_zero_point, y_scale, y_zero_point.

    Before opset 13 the axis begins what is flattened; for the last axis that makes no difference.
    """
    x = read_input(node, 0, facts)
    y = read_output(node, 3, x.quantization.dtype)
    return make_softmax(
        (node,), x, y, node.attributes.get_int("axis", -1), Arithmetic(x.quantization.dtype), facts
    )
