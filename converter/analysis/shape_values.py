"""What integer tensors hold that are made of the sizes of others: the targets of Reshape and Expand.

ONNX's data propagation follows constants only, loses track of -1 beside sizes that are unknown, and makes an
object for each element of every vector, however long.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.shape_arithmetic import ARITHMETIC
from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.sizes import Shape, Size, product

MOST = 64  # elements: shapes are short

_INT64 = ir.DataType.INT64
_INTEGERS = {
    ir.DataType.BOOL, ir.DataType.INT8, ir.DataType.INT16, ir.DataType.INT32, ir.DataType.INT64,
    ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32, ir.DataType.UINT64,
}  # fmt: skip
_WIDE = {ir.DataType.INT32, ir.DataType.INT64}  # any size fits


class Numbers(NamedTuple):
    """The elements of a tensor of integers with `rank` dimensions, 0 or 1."""

    elements: tuple[Size, ...]
    dtype: ir.DataType = _INT64
    rank: int = 1


class ShapeValues:
    """The elements of integer scalars and short vectors, as far as sizes that are known by name tell them.

    shape_of: the shapes of other tensors. The names of unknown sizes are theirs.

    Each value is looked at once, in a loop: graphs have many paths, and are deep.
    """

    def __init__(self, shape_of: Callable[[ir.Value], Shape | None]) -> None:
        self._shape_of = shape_of
        self._known: dict[ir.Value, Numbers | None] = {}

    def of(self, value: ir.Value) -> Numbers | None:
        """None where they are not known."""
        waiting = [(value, False)]
        while waiting:
            reached, has_operands = waiting.pop()
            if has_operands:
                self._known[reached] = self._numbers(reached)
            elif reached not in self._known:
                self._known[reached] = None  # until its operands are known
                waiting.append((reached, True))
                waiting += [(operand, False) for operand in _operands(reached) if operand not in self._known]
        return self._known[value]

    def forget(self, value: ir.Value) -> None:
        """What follows from the value's shape, which is another from now on."""
        waiting = [use.node for use in value.uses() if has_trait(use.node, Trait.READS_SHAPE)]
        while waiting:
            for output in waiting.pop().outputs:
                if output in self._known:
                    del self._known[output]
                    waiting += [use.node for use in output.uses()]

    def _numbers(self, value: ir.Value) -> Numbers | None:
        node = value.producer()
        if node is None or is_onnx(node, "Constant"):
            return _constant_numbers(value)
        if not is_onnx(node, *_RULES) or value is not node.outputs[0]:
            return None
        operands: list[Numbers | None] = []
        for x in node.inputs:
            if has_trait(node, Trait.READS_SHAPE):
                shape = None if x is None else self._shape_of(x)
                operands.append(None if shape is None else Numbers(shape))
            else:
                operands.append(None if x is None else self._known.get(x))
        found = _RULES[node.op_type](node, *operands)
        return found if found is not None and _is_short(found) else None


def _operands(value: ir.Value) -> list[ir.Value]:
    """What has to be known before the value's numbers are."""
    node = value.producer()
    if not is_onnx(node, *_RULES) or has_trait(node, Trait.READS_SHAPE):
        return []
    return [operand for operand in node.inputs if operand is not None]


def _constant_numbers(value: ir.Value) -> Numbers | None:
    tensor = None if value.is_graph_input() else ir.convenience.get_const_tensor(value)
    if tensor is None or tensor.dtype not in _INTEGERS or len(tensor.shape) > 1 or tensor.size > MOST:
        return None
    array = constant_or_none(value)
    assert array is not None
    return Numbers(tuple(int(number) for number in array.reshape(-1)), tensor.dtype, array.ndim)


def _is_short(numbers: Numbers) -> bool:
    """And its integers are such as its type holds: onnxruntime's wrap around."""
    if len(numbers.elements) > MOST or (numbers.rank == 0 and len(numbers.elements) != 1):
        return False
    known = [number for number in numbers.elements if isinstance(number, int)]
    if numbers.dtype == ir.DataType.BOOL:
        return len(known) == len(numbers.elements) and set(known) <= {0, 1}
    if numbers.dtype not in _WIDE and len(known) < len(numbers.elements):
        return False
    bounds = np.iinfo(numbers.dtype.numpy())
    return all(bounds.min <= number <= bounds.max for number in known)


_Operand = Numbers | None


def _shape(node: ir.Node, shape: _Operand) -> _Operand:
    if shape is None:
        return None
    start, end = node.attributes.get_int("start", 0), node.attributes.get("end")
    return Numbers(shape.elements[start : None if end is None else end.as_int()])


def _size(node: ir.Node, shape: _Operand) -> _Operand:
    return None if shape is None else Numbers((product(shape.elements),), rank=0)


def _cast(node: ir.Node, numbers: _Operand) -> _Operand:
    """Between integers, of numbers that both types have."""
    dtype = ir.DataType(node.attributes["to"].as_int())
    return None if numbers is None or dtype not in _INTEGERS else numbers._replace(dtype=dtype)


def _identity(node: ir.Node, numbers: _Operand) -> _Operand:
    return numbers


def _reshape(node: ir.Node, numbers: _Operand, target: _Operand) -> _Operand:
    """To a vector or a scalar."""
    if numbers is None or target is None or len(target.elements) > 1:
        return None
    return numbers._replace(rank=len(target.elements))


def _squeeze(node: ir.Node, numbers: _Operand, axes: _Operand = None) -> _Operand:
    return None if numbers is None or len(numbers.elements) != 1 else numbers._replace(rank=0)


def _unsqueeze(node: ir.Node, numbers: _Operand, axes: _Operand) -> _Operand:
    """A scalar along one axis."""
    if numbers is None or axes is None or numbers.rank + len(axes.elements) != 1:
        return None
    return numbers._replace(rank=1)


def _concat(node: ir.Node, *operands: _Operand) -> _Operand:
    parts = [part for part in operands if part is not None]
    if len(parts) < len(operands) or sum(len(part.elements) for part in parts) > MOST:
        return None
    return Numbers(tuple(number for part in parts for number in part.elements), parts[0].dtype)


def _gather(node: ir.Node, numbers: _Operand, indices: _Operand) -> _Operand:
    if numbers is None or numbers.rank == 0 or indices is None:
        return None
    length = len(numbers.elements)
    places = [place for place in indices.elements if isinstance(place, int) and -length <= place < length]
    if len(places) < len(indices.elements):
        return None
    return Numbers(tuple(numbers.elements[place] for place in places), numbers.dtype, indices.rank)


def _slice(node: ir.Node, numbers: _Operand, *bounds: _Operand) -> _Operand:
    """From one known place to another."""
    start, end, _, step = (*bounds, None, None)[:4]
    if node_input(node, 4) is None:
        step = Numbers((1,))
    places = [bound.elements for bound in (start, end, step) if bound is not None]
    known = [place[0] for place in places if len(place) == 1 and isinstance(place[0], int)]
    if numbers is None or len(known) < 3 or known[2] == 0:
        return None
    return numbers._replace(elements=numbers.elements[slice(*known)])


def _constant_of_shape(node: ir.Node, shape: _Operand) -> _Operand:
    fill = node.attributes.get("value")  # without one it fills with a float32
    if shape is None or len(shape.elements) > 1 or fill is None:
        return None
    (count,), tensor = shape.elements or (1,), fill.as_tensor()
    if tensor.dtype not in _INTEGERS or not isinstance(count, int) or not 0 <= count <= MOST:
        return None
    return Numbers((int(tensor.numpy().reshape(-1)[0]),) * count, tensor.dtype, len(shape.elements))


def _where(node: ir.Node, condition: _Operand, x: _Operand, y: _Operand) -> _Operand:
    if condition is None or condition.dtype != ir.DataType.BOOL or x is None or y is None:
        return None
    return _each(lambda c, a, b: a if c else b, (condition, x, y), x.dtype)


def _arithmetic(node: ir.Node, a: _Operand, b: _Operand) -> _Operand:
    if a is None or b is None or "fmod" in node.attributes:
        return None
    return _each(ARITHMETIC[node.op_type], (a, b), ir.DataType.BOOL if is_onnx(node, "Equal") else a.dtype)


def _each(function: Callable[..., Size | None], operands: Sequence[Numbers], dtype: ir.DataType) -> _Operand:
    """The function of each element, where single ones are broadcast."""
    columns = [operand.elements for operand in operands]
    length = next((len(column) for column in columns if len(column) != 1), 1)
    if any(len(column) not in (1, length) for column in columns):
        return None
    rows = zip(*(column * length if len(column) == 1 else column for column in columns), strict=True)
    results = [function(*row) for row in rows]
    found = [result for result in results if result is not None]
    return Numbers(tuple(found), dtype, max(o.rank for o in operands)) if len(found) == length else None


_RULES: dict[str, Callable[..., _Operand]] = {
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Gather": _gather,
    "Identity": _identity,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
