"""The input of an integer operator, as DynamicQuantizeLinear produces it."""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape


class Operand(NamedTuple):
    """A float32 tensor before it is quantized, its shape, and the scale that it is quantized with."""

    value: ir.Value
    shape: Shape
    scale: ir.Value


def is_dynamic(value: ir.Value | None) -> bool:
    """Whether DynamicQuantizeLinear wrote the 8-bit tensor."""
    node = None if value is None else value.producer()
    return is_onnx(node, "DynamicQuantizeLinear")


def read_operand(
    node: ir.Node, zero_point: int, facts: Facts, rank: int | None = None, index: int = 0
) -> Operand:
    """The input at `index` of the node, with a zero point at that index. rank: where the node tells it."""
    quantized = required_input(node, index)
    quantize = quantized.producer()
    if quantize is None or not is_dynamic(quantized):
        raise Refusal("its input is not quantized by DynamicQuantizeLinear")
    if quantized is not quantize.outputs[0] or node_input(node, zero_point) is not quantize.outputs[2]:
        raise Refusal("its input has another zero point than DynamicQuantizeLinear gave it")
    if rank is not None:
        x = required_input(quantize, 0)
        return Operand(x, facts.shape_of_rank(x, rank), quantize.outputs[1])
    return Operand(*read_float_operand(quantize, facts), quantize.outputs[1])


def read_float_operand(node: ir.Node, facts: Facts) -> tuple[ir.Value, Shape]:
    """Input 0 of a node that quantizes it itself."""
    x = required_input(node, 0)
    return x, facts.ranked(x)
