"""Lookups whose results are known before the model runs, apart from how many there are."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx

_MOST_NODES = 64  # between an index and the constant that it is made of


def repeated_row(value: ir.Value) -> NDArray[Any] | None:
    """The row `[C]` of a constant table that a Gather looks up again and again; None for anything else.

    So embeddings of token types are computed where the model is not told these types.
    """
    gather = value.producer()
    if not is_onnx(gather, "Gather"):
        return None
    table = _constant_input(gather, 0)
    number = _single_number(node_input(gather, 1))
    if table is None or number is None or table.ndim != 2 or gather.attributes.get_int("axis", 0) != 0:
        return None
    row: NDArray[Any] = table[number]
    return row


def first_rows(indices: ir.Value, rows: int) -> ir.Node | None:
    """The Slice that takes the first of the numbers 0, 1, ... `[1, n]`, n at most `rows`, as the indices."""
    slice_ = indices.producer()
    if not is_onnx(slice_, "Slice"):
        return None
    numbers = _constant_input(slice_, 0)
    starts, axes, steps = (_constant_input(slice_, index) for index in (1, 3, 4))
    if numbers is None or starts is None or axes is None or (starts.tolist(), axes.tolist()) != ([0], [1]):
        return None
    if (node_input(slice_, 4) is not None and (steps is None or steps.tolist() != [1])) or numbers.ndim != 2:
        return None
    counts = len(numbers) == 1 and numbers.size <= rows and (numbers == np.arange(numbers.size)).all()
    return slice_ if counts else None


def _single_number(value: ir.Value | None) -> int | None:
    """The number that all elements of the tensor are."""
    for _ in range(_MOST_NODES):
        array = None if value is None else constant_or_none(value)
        if array is not None:
            return int(array.flat[0]) if array.size and (array == array.flat[0]).all() else None
        node = None if value is None else value.producer()
        if not has_trait(node, Trait.UNIFORM) and not is_onnx(node, "Cast"):
            return None
        value = node_input(node, 0)
    return None


def _constant_input(node: ir.Node, index: int) -> NDArray[Any] | None:
    value = node_input(node, index)
    return None if value is None else constant_or_none(value)
