"""Additions that become part of what computes one of their operands: of a convolution, of a matmul."""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.tables import TableFunction, function_of

_MODERATE = 2.0**21  # sums below are rounded as floats
_KEPT = ("a_scale", "a_zero_point", "b_scale", "b_zero_point", "dtype")


class MatMulSum(NamedTuple):
    """A QAdd of a matmul's result, operand 0 or 1, and a constant `[Kp]`."""

    matmul: ir.Node
    operand: int
    constant: Int8Array


def require_moderate(add: ir.Node) -> None:
    """Raises Refusal where a sum may be large before it is rounded: epilogues have no room for its rounding.

    See sums_are_moderate() in csrc/kernels/elementwise/add.h.
    """
    a, b, y = (np.float32(add.attributes[f"{name}_scale"].as_float()) for name in "aby")
    zero_points = [add.attributes[f"{name}_zero_point"].as_int() for name in "aby"]
    with np.errstate(all="ignore"):
        ra, rb = np.abs(a / y), np.abs(b / y)
        fixed = abs(zero_points[2]) + abs(zero_points[0]) * float(ra) + abs(zero_points[1]) * float(rb)
    if not 255 * float(ra) + 255 * float(rb) + fixed < _MODERATE:
        raise Refusal("its sums may exceed 2**21 before they are rounded")


def sum_attributes(add: ir.Node, index: int) -> dict[str, Attribute]:
    """Those of the addition in the op that computes its operand `index`."""
    attributes: dict[str, Attribute] = {name: add.attributes[name].value for name in _KEPT}
    for name in ("scale", "zero_point"):
        attributes[f"sum_{name}"] = add.attributes[f"y_{name}"].value
    return {**attributes, "result_first": int(index == 0)}


def is_matmul_sum(node: ir.Node | None) -> bool:
    """Whether it adds a constant to what a QMatMul computes."""
    return node is not None and is_qudnn(node, "QAdd") and _result(node) is not None


def matmul_sum(add: ir.Node) -> MatMulSum:
    """Of one for which is_matmul_sum() holds. Raises Refusal where the matmul may not add the constant."""
    index = _result(add)
    assert index is not None
    matmul, constant = required_input(add, index).producer(), constant_or_none(required_input(add, 1 - index))
    assert matmul is not None and constant is not None
    if sole_consumer(matmul.outputs[0], once=True) is not add:
        raise Refusal("the matmul before it has other consumers")
    require_moderate(add)
    weights = required_input(matmul, 1).shape
    channels = None if weights is None else weights[0]
    # One channel would be one that repeats, whose sums are rounded in another order.
    if channels == 1 or constant.shape[-1:] != (channels,) or constant.size != channels:
        raise Refusal("its constant has not one value for each output channel")
    return MatMulSum(matmul, index, constant.reshape(-1))


def behind_sum(function: TableFunction) -> TableFunction:
    """The same as a function of a sum that a matmul may add, if it is one for all channels then.

    Otherwise the function as it is. What the table has for numbers that are no sums does not matter.
    """
    add = sole_consumer(function.x, once=True)
    if function.nodes < 2 or function.table.ndim == 1 or add is None or not is_matmul_sum(add):
        return function
    try:
        matmul_sum(add)
    except Refusal:
        return function
    of_sum = function_of(add)
    if of_sum is None or of_sum.table.shape != function.table.shape:
        return function
    sums, table = of_sum.table.astype(np.int64) + 128, np.zeros(256, np.int8)
    table[sums] = function.table
    if (table[sums] != function.table).any():
        return function
    return TableFunction(add.outputs[0], table, function.nodes - 1)


def _result(add: ir.Node) -> int | None:
    """Which operand is a QMatMul's result, if the other one is constant."""
    for index in (0, 1):
        if is_qudnn(required_input(add, index).producer(), "QMatMul"):
            return None if constant_or_none(required_input(add, 1 - index)) is None else index
    return None
