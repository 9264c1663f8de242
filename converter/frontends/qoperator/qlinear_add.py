"""com.microsoft QLinearAdd of two tensors of one shape -> QAdd"""

import onnx_ir as ir

from converter.candidate import Candidate, Port
from converter.constants import node_input, quantization, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.layout import Layout
from converter.sizes import Shape


def qlinear_add(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point."""
    a, b, y = required_input(node, 0), required_input(node, 3), node.outputs[0]
    a_quantization = quantization(node_input(node, 1), node_input(node, 2), facts.dtype(a), "first input")
    b_quantization = quantization(node_input(node, 4), node_input(node, 5), facts.dtype(b), "second input")
    dtype = a_quantization.dtype
    y_quantization = quantization(node_input(node, 6), node_input(node, 7), dtype, "output")
    if dtype != b_quantization.dtype or dtype != y_quantization.dtype:
        raise Refusal("its inputs and its output are not of one type")
    a_shape, b_shape = facts.ranked(a), facts.ranked(b)
    if a_shape != b_shape:
        raise Refusal("its inputs are not known to have one shape")
    layout = facts.layout(a) or facts.layout(b) or _layout(a_shape)
    return Candidate(
        (node,),
        "QAdd",
        inputs=(Port(a, layout, dtype), Port(b, layout, dtype)),
        output=Port(y, layout, dtype),
        shape=a_shape,
        attributes={
            "a_scale": float(a_quantization.scale),
            "a_zero_point": a_quantization.zero_point,
            "b_scale": float(b_quantization.scale),
            "b_zero_point": b_quantization.zero_point,
            "y_scale": float(y_quantization.scale),
            "y_zero_point": y_quantization.zero_point,
            "dtype": int(dtype),
        },
    )


def _layout(shape: Shape) -> Layout:
    if len(shape) < 2 or not isinstance(shape[1], int):
        raise Refusal("its inputs have no known number of channels")
    return Layout(len(shape), 1, shape[1])
