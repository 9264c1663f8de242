"""com.microsoft QLinearAveragePool, QLinearGlobalAveragePool => their ops, also of volumes"""

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.geometry import read_geometry
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import read_input, read_output
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.image.average_pool import make_average_pool, make_global_average_pool


def qlinear_average_pool(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, x_scale, x_zero_point, y_scale, y_zero_point."""
    _channels_first(node)
    x = read_input(node, 0, facts)
    shape = facts.ranked(x.value, 3, 4, 5)
    kernel = tuple(node.attributes.get_ints("kernel_shape", []))
    return make_average_pool(
        (node,),
        x,
        read_output(node, 3, x.quantization.dtype),
        read_geometry(node, kernel, shape, most=3),
        bool(node.attributes.get_int("count_include_pad", 0)),
        shape,
        Arithmetic(x.quantization.dtype),
    )


def qlinear_global_average_pool(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: those of QLinearAveragePool."""
    _channels_first(node)
    x = read_input(node, 0, facts)
    y = read_output(node, 3, x.quantization.dtype)
    return make_global_average_pool((node,), x, y, facts.ranked(x.value, 3, 4, 5))


def _channels_first(node: ir.Node) -> None:
    if node.attributes.get_int("channels_last", 0):
        raise Refusal("channels_last is not supported")
