"""Which of two sizes is the smaller one, whatever they are, as far as their forms tell."""

from fractions import Fraction
from functools import lru_cache

from qudnn.converter.graph.sizes import (
    MOST_TERMS,
    Computed,
    Monomial,
    Size,
    computed,
    guessed,
    plus,
    terms_of,
    times,
)


def least(a: Size, b: Size) -> Size:
    """The smaller one of two."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    for first, second in (a, b), (b, a):
        if is_never_negative(plus(second, times(-1, first))):
            return first
    return computed(f"least({a}, {b})", "Min", a, b, min(guessed(a), guessed(b)))


def at_least_nothing(size: Size) -> Size:
    """The number, 0 where it is negative."""
    if isinstance(size, int) or is_never_negative(size):
        return max(size, 0) if isinstance(size, int) else size
    return computed(f"most({size}, 0)", "Max", size, 0, max(size.guess, 0))


@lru_cache(4096)
def is_never_negative(size: Size) -> bool:
    """Whether the number is 0 or more, of any inputs, as far as bounds of its quotients tell.

    inside/by - (by-1)/by <= floor(inside/by) <= inside/by, and no size is negative.
    """
    terms = {names: Fraction(factor) for names, factor in terms_of(size)}
    for _ in range(MOST_TERMS):
        if all(factor >= 0 and all(map(_is_of_a_size, names)) for names, factor in terms.items()):
            return True
        bounds = [
            (names[0], bound)
            for names, factor in terms.items()
            if len(names) == 1
            and isinstance(names[0], Computed)
            and (bound := _bound(names[0], factor)) is not None
        ]
        if not bounds:
            return False
        name, bound = max(bounds, key=lambda each: each[0].depth)  # that which others are not inside of
        factor = terms.pop((name,))
        for names, share in bound.items():
            terms[names] = terms.get(names, Fraction()) + factor * share
        terms = {names: factor for names, factor in terms.items() if factor}
    return False


def _bound(name: Computed, factor: Fraction) -> dict[Monomial, Fraction] | None:
    """What the number is not less than, or not more than where factor is negative; None where not known."""
    a, b = name.operands
    if name.operator == "Min":
        return {names: Fraction(share) for names, share in terms_of(a)} if factor < 0 else None
    if name.operator != "Div" or not isinstance(b, int):
        return None
    bound = {names: Fraction(share, b) for names, share in terms_of(a)}
    if factor > 0:
        bound[()] = bound.get((), Fraction()) + Fraction(1 - b, b)
    return bound


def _is_of_a_size(name: str) -> bool:
    """Whether the number of the name is 0 or more."""
    if not isinstance(name, Computed):
        return True
    return (any if name.operator == "Max" else all)(map(is_never_negative, name.operands))
