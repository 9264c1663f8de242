"""What the two products of an attention in float32 read: heads, transposed and scaled on their way."""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from converter.batched_transpose import batched_transpose
from converter.constants import constant_or_none, required_input
from converter.errors import Refusal
from converter.facts import Facts
from converter.permutations import after
from converter.sizes import Shape

ROWS = [0, 2, 1, 3]  # `[B,S,heads,D] -> [B,heads,S,D]`
COLUMNS = [0, 2, 3, 1]  # `[B,S,heads,D] -> [B,heads,D,S]`


class Heads(NamedTuple):
    """float32 `[B,S,heads,D]`, `number` of them, multiplied by the factor before the product reads them."""

    value: ir.Value
    shape: Shape
    number: int
    factor: float


def heads(operand: ir.Value, perm: list[int], facts: Facts, what: str) -> Heads:
    """The tensor that a product reads transposed by perm; scaled by one number at most."""
    value, factor, moved = operand, 1.0, list(range(len(perm)))
    while True:
        scaled = scaled_by_constant(value) or _divided_exactly(value)
        step = None if scaled is None and moved == perm else _transposed(value, facts)
        if scaled is not None and factor == 1:
            value, factor = scaled
        elif step is not None and len(step[1]) == len(moved):
            value, moved = step[0], after(step[1], moved)
        else:
            break
    if moved != perm:
        raise Refusal(f"its {what} are not heads that lie side by side and are transposed by {perm}")
    if facts.dtype(value) != ir.DataType.FLOAT:
        raise Refusal(f"its {what} are not known to be float32")
    shape = facts.ranked(value, len(perm))
    number = shape[2]
    if not isinstance(number, int):
        raise Refusal(f"the number of heads of its {what} is unknown")
    return Heads(value, shape, number, factor)


def scaled_by_constant(value: ir.Value, op_type: str = "Mul") -> tuple[ir.Value, float] | None:
    """What was multiplied by one number, or divided, and the number."""
    node = value.producer()
    if node is None or node.domain or node.op_type != op_type:
        return None
    a, b = required_input(node, 0), required_input(node, 1)
    for x, number in ((a, b), (b, a))[: 2 if op_type == "Mul" else 1]:
        array = constant_or_none(number)
        if array is not None and array.size == 1 and array.ndim < 2 and array.dtype == np.float32:
            return x, float(array.reshape(()))
    return None


def _divided_exactly(value: ir.Value) -> tuple[ir.Value, float] | None:
    """What was divided by a power of two, and the number that gives the same by multiplication."""
    divided = scaled_by_constant(value, "Div")
    if divided is None:
        return None
    x, number = divided
    fraction, exponent = np.frexp(number)
    return (x, 1 / number) if abs(fraction) == 0.5 and abs(exponent) < 100 else None


def _transposed(value: ir.Value, facts: Facts) -> tuple[ir.Value, list[int]] | None:
    """What was transposed, and how."""
    node = value.producer()
    if node is None or node.domain:
        return None
    if node.op_type == "Reshape":
        x, shape = required_input(node, 0), facts.shape(value)
        if shape is not None and shape == facts.shape(x):
            return x, list(range(len(shape)))
        found = batched_transpose(node, facts)
        return None if found is None else (found.x, found.perm)
    if node.op_type != "Transpose" or "perm" not in node.attributes:
        return None
    perm = list(node.attributes["perm"].as_ints())
    return required_input(node, 0), perm
