"""MaxPool on 8-bit values -> QMaxPool"""

import onnx_ir as ir

from converter.candidate import Candidate, Port
from converter.constants import required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.geometry import geometry
from converter.layout import Layout


def max_pool(node: ir.Node, facts: Facts) -> Candidate:
    x, y = required_input(node, 0), node.outputs[0]
    dtype = facts.eight_bit(x)
    if len(node.outputs) > 1 and node.outputs[1].name:
        raise Refusal("its output Indices is not supported")
    if node.attributes.get_int("storage_order", 0):
        raise Refusal("storage_order 1 is not supported")
    shape = facts.ranked(x, 4)
    channels = shape[1]
    if not isinstance(channels, int):
        raise Refusal("its number of channels is unknown")
    window = geometry(node, tuple(node.attributes.get_ints("kernel_shape", [])), shape)
    layout = Layout(4, 1, channels)
    return Candidate(
        (node,),
        "QMaxPool",
        inputs=(Port(x, layout, dtype),),
        output=Port(y, layout, dtype),
        shape=(shape[0], channels, *window.output(shape[2], shape[3])),
        attributes={
            "kernel_shape": window.kernel,
            "pads": window.pads,
            "strides": window.strides,
            "dilations": window.dilations,
            "ceil_mode": int(window.ceil_mode),
        },
    )
