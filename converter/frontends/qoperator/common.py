"""What the rules of this frontend share."""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import (
    constant,
    constant_or_none,
    node_input,
    quantization,
    required_input,
)
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.port import Quantized


def read_input(node: ir.Node, index: int, facts: Facts, what: str = "input") -> Quantized:
    """An 8-bit input, its scale and its zero point: three inputs from `index` on."""
    value = required_input(node, index)
    scale, zero_point = node_input(node, index + 1), node_input(node, index + 2)
    return Quantized(value, quantization(scale, zero_point, facts.dtype(value), what))


def read_output(node: ir.Node, index: int, default: ir.DataType) -> Quantized:
    """The output, with its scale and zero point: two inputs from `index` on."""
    parameters = quantization(node_input(node, index), node_input(node, index + 1), default, "output")
    return Quantized(node.outputs[0], parameters)


def read_numbers(node: ir.Node, index: int, attribute: str, what: str, facts: Facts) -> list[int] | None:
    """Integers that newer opsets take as an input and older ones as an attribute; None where left out.

    The input is a constant, or computed of sizes that are known.
    """
    numbers = read_sizes(node, index, attribute, what, facts)
    known = [number for number in numbers or () if isinstance(number, int)]
    if numbers is not None and len(known) < len(numbers):
        raise Refusal(f"its {what} must be constant")
    return None if numbers is None else known


def read_sizes(node: ir.Node, index: int, attribute: str, what: str, facts: Facts) -> Shape | None:
    """As read_numbers, of numbers that may be known only at run time."""
    if attribute in node.attributes:
        return tuple(node.attributes[attribute].as_ints())
    value = node_input(node, index)
    if value is None:
        return None
    numbers = facts.numbers(value) if constant_or_none(value) is None else None
    if numbers is not None:
        return numbers
    return tuple(int(number) for number in constant(value, what).reshape(-1))


def read_required_sizes(node: ir.Node, index: int, attribute: str, what: str, facts: Facts) -> Shape:
    found = read_sizes(node, index, attribute, what, facts)
    if found is None:
        raise Refusal(f"it has no {what}")
    return found


def from_front(axis: int, rank: int) -> int:
    """An axis that may be counted from the end as it is counted from the front."""
    if not -rank <= axis < rank:
        raise Refusal(f"it has no axis {axis}, as it works on {rank} dimensions")
    return axis % rank


def read_axes(node: ir.Node, index: int, rank: int, facts: Facts) -> list[int]:
    """The axes that a reduction is over, from the front: all of them where it names none."""
    axes = read_numbers(node, index, "axes", "axes", facts)
    if axes:
        return sorted({from_front(axis, rank) for axis in axes})
    return [] if node.attributes.get_int("noop_with_empty_axes", 0) else list(range(rank))


def read_required_numbers(node: ir.Node, index: int, attribute: str, what: str, facts: Facts) -> list[int]:
    found = read_numbers(node, index, attribute, what, facts)
    if found is None:
        raise Refusal(f"it has no {what}")
    return found
