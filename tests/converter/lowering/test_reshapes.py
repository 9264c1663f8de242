"""Reshapes whose targets are computed with sizes of tensors, or have sizes known only at run time."""

from collections.abc import Sequence

import pytest
from operators import DTYPES, Operators, assert_inside

INPUTS = [(2, 9, 20), (1, 9, 20)]


def size_of(net: Operators, x: str, axis: int, y: str) -> str:
    """The number of elements of x along the axis, as exporters take it out of Shape; int64 `[1]`."""
    shape = net.node("Shape", [x], f"{y}_shape")
    size = net.node("Gather", [shape, net.constant(f"{y}_axis", axis, "int64")], f"{y}_number")
    return net.node("Unsqueeze", [size, net.constant(f"{y}_axes", [0], "int64")], y)


def computed(net: Operators, op_type: str, x: str, number: int, y: str) -> str:
    """x + number and the like; int64 `[1]`."""
    return net.node(op_type, [x, net.constant(f"{y}_number", [number], "int64")], y)


def reshape(net: Operators, x: str, target: Sequence[str | int], y: str) -> str:
    """target: names of int64 `[1]`, and numbers."""
    parts = [
        part if isinstance(part, str) else net.constant(f"{y}_{place}", [part], "int64")
        for place, part in enumerate(target)
    ]
    return net.node("Reshape", [x, net.node("Concat", parts, f"{y}_target", axis=0)], y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rest", [-1, 9])
def test_rows_and_back(rest: int, dtype: str) -> None:
    """As LeViT normalizes: `[n, 9, 20] -> [n * 9, 20] -> [n, 9, 20]`, the batch taken out of a Shape."""
    net = Operators(dtype)
    x = net.matmul(net.eight_bit("x", ["n", 9, 20]), "a", 20, 20)
    batch = size_of(net, x, 0, "batch")
    rows = reshape(net, x, [computed(net, "Mul", batch, 9, "rows") if rest > 0 else rest, 20], "flat")
    rows = net.matmul(rows, "b", 20, 20)
    x = net.matmul(reshape(net, rows, [batch, rest, 20], "again"), "c", 20, 7)
    x = reshape(net, x, [batch, 63], "joined")
    net.matmul(x, net.result("y", 2), 63, 5)
    assert_inside(net, {"QMatMul": 4, "Reshape": 3}, *({"x": net.random(*shape)} for shape in INPUTS))
