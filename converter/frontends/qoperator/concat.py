"""com.microsoft QLinearConcat, and Concat on 8-bit values => QTable if scales differ, then Concat"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import read_input
from qudnn.converter.graph.constants import Quantization, node_input, quantization, required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.layout.concat import make_concat


def qlinear_concat(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: y_scale, y_zero_point, then x, x_scale, x_zero_point of each tensor."""
    parameters = quantization(node_input(node, 0), node_input(node, 1), None, "output")
    inputs = [read_input(node, index, facts) for index in range(2, len(node.inputs), 3)]
    return make_concat((node,), inputs, Quantized(node.outputs[0], parameters), _axis(node), facts)


def concat(node: ir.Node, facts: Facts) -> Candidate:
    dtype = facts.eight_bit(required_input(node, 0))
    as_is = Quantization(np.float32(1), 0, dtype)
    inputs = [Quantized(required_input(node, index), as_is) for index in range(len(node.inputs))]
    return make_concat((node,), inputs, Quantized(node.outputs[0], as_is), _axis(node), facts)


def _axis(node: ir.Node) -> int:
    axis = node.attributes.get_int("axis", None)
    if axis is None:
        raise Refusal("it has no axis")
    return axis
