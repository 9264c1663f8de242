"""What integer tensors hold that are made of the sizes of others: the targets of Reshape and Expand.

ONNX's inference follows constants only, and loses track of -1 beside sizes that are unknown.
"""

from collections.abc import Callable, Sequence

import onnx_ir as ir

from converter.constants import constant_or_none, node_input
from converter.sizes import Shape, Size, Unknown, divided, shifted

Numbers = tuple[Size, ...]
_MOST = 64  # elements: shapes are short

_KEEP_NUMBERS = {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"}


def numbers_in(value: ir.Value, shape_of: Callable[[ir.Value], Shape | None]) -> Numbers | None:
    """The elements of a scalar or vector of integers, None where they are not known.

    shape_of: the shapes of other tensors. The names of unknown sizes are theirs.
    """
    array = constant_or_none(value)
    if array is not None:
        if array.dtype.kind not in "iub" or array.ndim > 1 or array.size > _MOST:
            return None
        return tuple(int(number) for number in array.reshape(-1))
    node = value.producer()
    if node is None or node.domain or not node.inputs or node.inputs[0] is None:
        return None
    if node.op_type == "Shape":
        shape = shape_of(node.inputs[0])
        start, end = node.attributes.get_int("start", 0), node.attributes.get("end")
        return None if shape is None else shape[start : None if end is None else end.as_int()]
    operands = [None if operand is None else numbers_in(operand, shape_of) for operand in node.inputs]
    if node.op_type in _KEEP_NUMBERS:
        return operands[0]
    if node.op_type == "Concat":
        parts = [part for part in operands if part is not None]
        return sum(parts, ()) if len(parts) == len(operands) else None
    if node.op_type in ("Gather", "Slice"):
        return _taken(node, operands)
    if node.op_type == "ConstantOfShape":
        return _filled(node, operands[0])
    if node.op_type == "Where" and all(operand is not None for operand in operands):
        return _each(lambda condition, x, y: x if condition else y, operands)
    if node.op_type in _ARITHMETIC and all(operand is not None for operand in operands):
        return _each(_ARITHMETIC[node.op_type], operands)
    return None


def _taken(node: ir.Node, operands: Sequence[Numbers | None]) -> Numbers | None:
    """Gather or Slice, of a vector by constants."""
    numbers, *bounds = operands
    if numbers is None or any(bound is None for bound in bounds):
        return None
    places = [[n for n in bound or () if isinstance(n, int)] for bound in bounds]
    if node.op_type == "Gather":
        known = all(-len(numbers) <= place < len(numbers) for place in places[0])
        return tuple(numbers[place] for place in places[0]) if known else None
    starts, ends, *rest = places
    step = rest[1] if len(rest) > 1 and node_input(node, 4) is not None else [1]
    if [len(part) for part in (starts, ends, step)] != [1, 1, 1]:
        return None
    return numbers[starts[0] : ends[0] : step[0]]


def _filled(node: ir.Node, count: Numbers | None) -> Numbers | None:
    if count is None or len(count) != 1 or not isinstance(count[0], int) or count[0] > _MOST:
        return None
    fill = node.attributes.get("value")
    array = None if fill is None else fill.as_tensor().numpy()
    return (0 if array is None else int(array.reshape(-1)[0]),) * count[0]


def _each(function: Callable[..., Size | None], operands: Sequence[Numbers | None]) -> Numbers | None:
    """The function of each element, where single ones are broadcast."""
    columns = [operand or () for operand in operands]
    length = max(map(len, columns))
    if any(len(column) not in (1, length) for column in columns):
        return None
    rows = zip(*(column * length if len(column) == 1 else column for column in columns), strict=True)
    results = [function(*row) for row in rows]
    return tuple(result for result in results if result is not None) if None not in results else None


def _sum(a: Size, b: Size) -> Size:
    if isinstance(a, int):
        a, b = b, a
    return shifted(a, b) if isinstance(b, int) else Unknown(f"({a}+{b})")


def _difference(a: Size, b: Size) -> Size:
    if a == b:
        return 0
    return shifted(a, -b) if isinstance(b, int) else Unknown(f"({a}-{b})")


def _product(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if 1 in (a, b):
        return b if a == 1 else a
    return Unknown("*".join(sorted((str(a), str(b)))))


def _quotient(a: Size, b: Size) -> Size | None:
    """Of sizes, which are not negative."""
    if not isinstance(b, int) or b < 1 or (isinstance(a, int) and a < 0):
        return None
    return divided(a, b)


def _equal(a: Size, b: Size) -> Size | None:
    if a == b:
        return 1
    known = (isinstance(a, int) and isinstance(b, int)) or any(isinstance(s, int) and s < 0 for s in (a, b))
    return 0 if known else None  # no size is negative


_ARITHMETIC: dict[str, Callable[..., Size | None]] = {
    "Add": _sum,
    "Div": _quotient,
    "Equal": _equal,
    "Mul": _product,
    "Sub": _difference,
}
