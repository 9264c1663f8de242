"""ReduceMax and ReduceMin of 8-bit values => QMaxPool"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import read_axes
from qudnn.converter.graph.constants import Quantization, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import Quantized
from qudnn.converter.lowering.image.reduction import Reduction, make_reduction


def extreme(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x and, in newer opsets, axes."""
    x = required_input(node, 0)
    as_it_is = Quantization(np.float32(1), 0, facts.eight_bit(x))
    axes = read_axes(node, 1, len(facts.ranked(x)), facts)
    if not axes:
        raise Refusal("it reduces no axis")
    return make_reduction(
        Reduction.MAX if is_onnx(node, "ReduceMax") else Reduction.MIN,
        (node,),
        Quantized(x, as_it_is),
        Quantized(node.outputs[0], as_it_is),
        axes,
        bool(node.attributes.get_int("keepdims", 1)),
        facts,
    )
