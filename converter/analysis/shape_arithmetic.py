"""Arithmetic with sizes, known or not, as models compute shapes by it."""

from collections.abc import Callable

from qudnn.converter.graph.sizes import Shape, Size, Unknown, divided, shifted


def product(sizes: Shape) -> Size:
    total: Size = 1
    for size in sizes:
        total = _product(total, size)
    return total


def _sum(a: Size, b: Size) -> Size:
    if isinstance(a, int):
        a, b = b, a
    return shifted(a, b) if isinstance(b, int) else Unknown("+".join(sorted((f"({a})", f"({b})"))))


def _difference(a: Size, b: Size) -> Size:
    if a == b:
        return 0
    return shifted(a, -b) if isinstance(b, int) else Unknown(f"({a})-({b})")


def _product(a: Size, b: Size) -> Size:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if 0 in (a, b):
        return 0
    if 1 in (a, b):
        return b if a == 1 else a
    return Unknown("*".join(sorted((f"({a})", f"({b})"))))


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


ARITHMETIC: dict[str, Callable[..., Size | None]] = {
    "Add": _sum,
    "Div": _quotient,
    "Equal": _equal,
    "Mul": _product,
    "Sub": _difference,
}
