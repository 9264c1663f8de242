"""MaxPool on 8-bit values => QMaxPool or QMaxPool3D"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.image.max_pool import make_max_pool


def max_pool(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype = facts.eight_bit(x)
    if any(map(is_needed, node.outputs[1:])):
        raise Refusal("its output Indices is not supported")
    if node.attributes.get_int("storage_order", 0):
        raise Refusal("storage_order 1 is not supported")
    kernel = tuple(node.attributes.get_ints("kernel_shape", []))
    shape = facts.ranked(x, 3, 4, 5)
    window = read_geometry(node, kernel, shape, most=3)
    return make_max_pool((node,), x, node.outputs[0], dtype, window, shape)
