"""sqrt(float(size)), and what else is computed in float32 of sizes that are known: as numbers"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.op_traits import is_onnx

_MOST = 64  # elements
_DEPTH = 8  # nodes between a number and the sizes that it is computed of

# Rounded correctly, so that NumPy has the bits of any other implementation.
_FUNCTIONS: dict[str, Callable[..., NDArray[Any]]] = {
    "Div": np.divide,
    "Mul": np.multiply,
    "Sqrt": np.sqrt,
}


class Numbers(NamedTuple):
    """A float32 tensor. computed: whether onnxruntime computes it when the model runs.

    It does where a Shape in it is of a tensor with sizes that are unknown, even if others are taken of them
    (ConstantFoldShapeNode, constant_folding.cc, 1.30).
    """

    array: NDArray[Any]
    computed: bool


def numbers_of(value: ir.Value, facts: Facts, depth: int = _DEPTH) -> Numbers | None:
    """The elements of a small tensor, if they are constant or follow from sizes.

    Such as the scale of an attention, which exporters compute of the shape of its queries.
    """
    array = constant_or_none(value)
    if array is not None:
        return Numbers(array, False) if array.dtype == np.float32 and array.size <= _MOST else None
    node = value.producer()
    if not is_onnx(node, "Cast", *_FUNCTIONS) or depth == 0:
        return None
    inputs = [x for x in node.inputs if x is not None]
    if is_onnx(node, "Cast"):
        to_float = node.attributes["to"].as_int() == ir.DataType.FLOAT
        return _sizes(inputs[0], facts) if to_float else None
    operands = [numbers_of(x, facts, depth - 1) for x in inputs]
    found = [operand for operand in operands if operand is not None]
    if len(found) < len(operands):
        return None
    with np.errstate(all="ignore"):
        result = _FUNCTIONS[node.op_type](*(operand.array for operand in found))
    return Numbers(result, any(operand.computed for operand in found)) if result.size <= _MOST else None


def _sizes(value: ir.Value, facts: Facts) -> Numbers | None:
    """The sizes that a vector or scalar of integers holds, as float32."""
    numbers, shape = facts.numbers(value), facts.shape(value)
    if numbers is None or shape is None or facts.dtype(value) != ir.DataType.INT64:
        return None
    known = [number for number in numbers if isinstance(number, int)]
    if len(known) != len(numbers) or len(shape) > 1:
        return None
    array = np.array(known, np.int64).astype(np.float32).reshape([len(known)] * len(shape))
    return Numbers(array, _is_computed(value, facts))


def _is_computed(value: ir.Value, facts: Facts) -> bool:
    """Whether onnxruntime (1.30, ConstantFolding) leaves a Shape that integers come from."""
    waiting, seen = [value], set[ir.Value]()
    while waiting:
        reached = waiting.pop()
        node = reached.producer()
        if reached in seen or node is None:
            continue
        seen.add(reached)
        if not is_onnx(node, "Shape"):
            waiting += [x for x in node.inputs if x is not None]
            continue
        shape = None if node.inputs[0] is None else facts.shape(node.inputs[0])
        start, end = node.attributes.get_int("start", 0), node.attributes.get_int("end", 2**63 - 1)
        if shape is None or not all(isinstance(size, int) for size in shape[start:end]):
            return True
    return False
