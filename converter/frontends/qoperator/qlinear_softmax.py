"""com.microsoft QLinearSoftmax => QSoftmax"""

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import from_front, read_input, read_output
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.softmax.softmax import make_softmax


def qlinear_softmax(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, x_scale, x_zero_point, y_scale, y_zero_point.

    Before opset 13 the axis begins what is flattened (onnxruntime 1.31, qlinear_softmax.cc); where all axes
    behind it are of one element that makes no difference.
    """
    x = read_input(node, 0, facts)
    y = read_output(node, 3, x.quantization.dtype)
    shape = facts.ranked(x.value)
    axis = from_front(node.attributes.get_int("axis", -1), len(shape))
    if node.attributes.get_int("opset", 13) < 13 and any(size != 1 for size in shape[axis + 1 :]):
        raise Refusal(
            f"it is of opset {node.attributes.get_int('opset', 13)}: it flattens from axis {axis} on"
        )
    return make_softmax((node,), x, y, axis, Arithmetic(x.quantization.dtype), facts)
