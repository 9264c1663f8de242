"""Arithmetic with sizes, known or not, as models compute shapes by it."""

from collections.abc import Callable

from qudnn.converter.graph.bounds import is_never_negative
from qudnn.converter.graph.sizes import Size, divided, plus, quotient, shifted, times


def _difference(a: Size, b: Size) -> Size:
    return plus(a, times(-1, b))


def _quotient(a: Size, b: Size) -> Size | None:
    """Of sizes, which are not negative."""
    exact = None if b == 0 else quotient(a, b)
    if exact is not None or not isinstance(b, int) or b < 1:
        return exact
    factors = [a] if isinstance(a, int) else [factor for names, factor in a.terms if names]
    return divided(a, b) if min(factors) >= 0 or is_never_negative(a) else None


def _remainder(a: Size, b: Size) -> Size | None:
    """With the sign of b, a number that is not negative (onnxruntime 1.31, mod.cc, without fmod)."""
    return plus(a, times(-b, divided(a, b))) if isinstance(b, int) and b > 0 else None


def _equal(a: Size, b: Size) -> Size | None:
    if a == b:
        return 1
    difference = _difference(a, b)
    differ = isinstance(difference, int) or any(
        is_never_negative(shifted(distance, -1)) for distance in (difference, times(-1, difference))
    )
    return 0 if differ else None


ARITHMETIC: dict[str, Callable[..., Size | None]] = {
    "Add": plus,
    "Div": _quotient,
    "Equal": _equal,
    "Mod": _remainder,
    "Mul": times,
    "Sub": _difference,
}
