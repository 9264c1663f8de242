"""What integer tensors hold that are made of the sizes of others: the targets of Reshape and Expand.

ONNX's data propagation follows constants only, loses track of -1 beside sizes that are unknown, and makes an
object for each element of every vector, however long.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.shape_arithmetic import ARITHMETIC
from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.reshaping import keeps_zeros
from qudnn.converter.graph.sizes import Shape, Size, product

MOST = 64  # elements: shapes are short

_INT64 = ir.DataType.INT64
_INTEGERS = {
    ir.DataType.BOOL, ir.DataType.INT8, ir.DataType.INT16, ir.DataType.INT32, ir.DataType.INT64,
    ir.DataType.UINT8, ir.DataType.UINT16, ir.DataType.UINT32, ir.DataType.UINT64,
}  # fmt: skip
_WIDE = {ir.DataType.INT32, ir.DataType.INT64}  # any size fits


class Numbers(NamedTuple):
    """A short tensor of integers; each of `array`, an array of objects, is a Size."""

    array: NDArray[np.object_]
    dtype: ir.DataType = _INT64

    @property
    def elements(self) -> tuple[Size, ...]:
        """In the order of rows."""
        return tuple(self.array.reshape(-1))

    @property
    def rank(self) -> int:
        return self.array.ndim


class ShapeValues:
    """The elements of short integer tensors, as far as sizes that are known by name tell them.

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
                operands.append(None if shape is None else _vector(shape))
            else:
                operands.append(None if x is None else self._known.get(x))
        try:
            found = _RULES[node.op_type](node, *operands)
        except (ValueError, IndexError):  # shapes, axes or places that do not fit
            return None
        return found if found is not None and _is_short(found) else None


def _operands(value: ir.Value) -> list[ir.Value]:
    """What has to be known before the value's numbers are."""
    node = value.producer()
    if not is_onnx(node, *_RULES) or has_trait(node, Trait.READS_SHAPE):
        return []
    return [operand for operand in node.inputs if operand is not None]


def _constant_numbers(value: ir.Value) -> Numbers | None:
    tensor = None if value.is_graph_input() else ir.convenience.get_const_tensor(value)
    if tensor is None or tensor.dtype not in _INTEGERS or tensor.size > MOST:
        return None
    array = constant_or_none(value)
    assert array is not None
    return Numbers(_objects([int(number) for number in array.reshape(-1)], array.shape), tensor.dtype)


def _objects(elements: Sequence[Size], shape: Sequence[int]) -> NDArray[np.object_]:
    array = np.empty(len(elements), np.object_)
    array[:] = elements
    return array.reshape(tuple(shape))


def _vector(elements: Sequence[Size]) -> Numbers:
    return Numbers(_objects(elements, [len(elements)]))


def _is_short(numbers: Numbers) -> bool:
    """And its integers are such as its type holds: onnxruntime's wrap around."""
    elements = numbers.elements
    if len(elements) > MOST:
        return False
    known = [number for number in elements if isinstance(number, int)]
    if numbers.dtype == ir.DataType.BOOL:
        return len(known) == len(elements) and set(known) <= {0, 1}
    if numbers.dtype not in _WIDE and len(known) < len(elements):
        return False
    bounds = np.iinfo(numbers.dtype.numpy())
    return all(bounds.min <= number <= bounds.max for number in known)


_Operand = Numbers | None


def _shape(node: ir.Node, shape: _Operand) -> _Operand:
    if shape is None:
        return None
    start, end = node.attributes.get_int("start", 0), node.attributes.get("end")
    return Numbers(shape.array[start : None if end is None else end.as_int()])


def _size(node: ir.Node, shape: _Operand) -> _Operand:
    return None if shape is None else Numbers(_objects([product(shape.elements)], []))


def _cast(node: ir.Node, numbers: _Operand) -> _Operand:
    """Between integers, of numbers that both types have."""
    dtype = ir.DataType(node.attributes["to"].as_int())
    return None if numbers is None or dtype not in _INTEGERS else numbers._replace(dtype=dtype)


def _identity(node: ir.Node, numbers: _Operand) -> _Operand:
    return numbers


def _reshape(node: ir.Node, numbers: _Operand, target: _Operand) -> _Operand:
    sizes = _integers(target)
    if numbers is None or sizes is None:
        return None
    if not keeps_zeros(node):
        sizes = [numbers.array.shape[place] if size == 0 else size for place, size in enumerate(sizes)]
    return numbers._replace(array=numbers.array.reshape(tuple(sizes)))


def _transpose(node: ir.Node, numbers: _Operand) -> _Operand:
    if numbers is None:
        return None
    perm = node.attributes.get_ints("perm", range(numbers.rank)[::-1])
    return numbers._replace(array=numbers.array.transpose(tuple(perm)))


def _squeeze(node: ir.Node, numbers: _Operand, axes: _Operand = None) -> _Operand:
    given = _axes(node, axes)
    if numbers is None or (given is None and node_input(node, 1) is not None):
        return None
    return numbers._replace(array=np.squeeze(numbers.array, None if given is None else tuple(given)))


def _unsqueeze(node: ir.Node, numbers: _Operand, axes: _Operand = None) -> _Operand:
    given = _axes(node, axes)
    if numbers is None or given is None:
        return None
    return numbers._replace(array=np.expand_dims(numbers.array, tuple(given)))


def _axes(node: ir.Node, axes: _Operand) -> list[int] | None:
    """As an input, or as older opsets have them; None where they are not known, or left out."""
    if "axes" in node.attributes:
        return list(node.attributes["axes"].as_ints())
    return _integers(axes)


def _concat(node: ir.Node, *operands: _Operand) -> _Operand:
    parts = [part for part in operands if part is not None]
    if len(parts) < len(operands) or sum(part.array.size for part in parts) > MOST:
        return None
    axis = node.attributes.get_int("axis", 0)
    return parts[0]._replace(array=np.concatenate([part.array for part in parts], axis))


def _gather(node: ir.Node, numbers: _Operand, indices: _Operand) -> _Operand:
    places = _integers(indices)
    if numbers is None or places is None or indices is None:
        return None
    axis = node.attributes.get_int("axis", 0) % numbers.rank if numbers.rank else 0
    taken = np.take(numbers.array, np.array(places, np.int64).reshape(indices.array.shape), axis)
    if not isinstance(taken, np.ndarray):  # a scalar
        taken = _objects([taken], [])
    return numbers._replace(array=taken)


def _slice(node: ir.Node, numbers: _Operand, *bounds: _Operand) -> _Operand:
    """From known places to others."""
    given = [_integers(bound) for bound in bounds]
    if (
        numbers is None
        or len(given) < 2
        or any(known is None and node_input(node, place) is not None for place, known in enumerate(given, 1))
    ):
        return None
    starts, ends, axes, steps = (*given, None, None)[:4]
    if starts is None or ends is None:
        return None
    places = [slice(None)] * numbers.rank
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        # Before the first element: a slice of Python's would count that from the end again.
        stop = None if step < 0 and end < -numbers.array.shape[axis] else end
        places[axis] = slice(start, stop, step)
    return numbers._replace(array=numbers.array[tuple(places)])


def _constant_of_shape(node: ir.Node, shape: _Operand) -> _Operand:
    fill = node.attributes.get("value")  # without one it fills with a float32
    sizes = _integers(shape)
    if sizes is None or fill is None or min(sizes, default=0) < 0 or prod(sizes) > MOST:
        return None
    tensor = fill.as_tensor()
    if tensor.dtype not in _INTEGERS:
        return None
    number = int(tensor.numpy().reshape(-1)[0])
    return Numbers(_objects([number] * prod(sizes), sizes), tensor.dtype)


def _expand(node: ir.Node, numbers: _Operand, target: _Operand) -> _Operand:
    sizes = _integers(target)
    if numbers is None or sizes is None:
        return None
    shape = np.broadcast_shapes(numbers.array.shape, tuple(sizes))
    return numbers._replace(array=np.broadcast_to(numbers.array, shape)) if prod(shape) <= MOST else None


def _where(node: ir.Node, condition: _Operand, x: _Operand, y: _Operand) -> _Operand:
    if condition is None or condition.dtype != ir.DataType.BOOL or x is None or y is None:
        return None
    return _each(lambda c, a, b: a if c else b, (condition, x, y), x.dtype)


def _arithmetic(node: ir.Node, a: _Operand, b: _Operand) -> _Operand:
    if a is None or b is None or node.attributes.get_int("fmod", 0) != 0:
        return None
    return _each(ARITHMETIC[node.op_type], (a, b), ir.DataType.BOOL if is_onnx(node, "Equal") else a.dtype)


def _each(function: Callable[..., Size | None], operands: Sequence[Numbers], dtype: ir.DataType) -> _Operand:
    """The function of each element, broadcast."""
    shape = np.broadcast_shapes(*(operand.array.shape for operand in operands))
    if prod(shape) > MOST:
        return None
    columns = [np.broadcast_to(operand.array, shape).reshape(-1) for operand in operands]
    results = [function(*row) for row in zip(*columns, strict=True)]
    found = [result for result in results if result is not None]
    return Numbers(_objects(found, shape), dtype) if len(found) == len(results) else None


def _integers(numbers: _Operand) -> list[int] | None:
    """The elements, where all of them are known."""
    if numbers is None:
        return None
    known = [number for number in numbers.elements if isinstance(number, int)]
    return known if len(known) == len(numbers.elements) else None


_RULES: dict[str, Callable[..., _Operand]] = {
    **dict.fromkeys(ARITHMETIC, _arithmetic),
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Gather": _gather,
    "Identity": _identity,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
