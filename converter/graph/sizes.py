"""Sizes of dimensions, known or not, and what a sliding window makes of them.

Two sizes that are equal here are equal whenever the model runs; unequal ones may be equal or not.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import gcd

from qudnn.converter.errors import Refusal

GUESS = 32  # a likely size where nothing is known

_LONGEST = 200  # characters of a name
MOST_TERMS = 32
_DEEPEST = 50  # names inside of names
_MOST_FACTORS = 16
_GREATEST = 2**63  # of factors: greater numbers fit into no shape

Monomial = tuple[str, ...]  # names of numbers to multiply, in order; the empty one is 1


@dataclass(frozen=True, repr=False)
class Unknown:
    """A size known only at run time: a sum of multiples of products of named numbers, in one form.

    terms: the products, the greater ones first, and their factors, none of them 0.
    guess: a likely number, for estimates.

    One name stands for one number. Names of sizes that are computed in other ways tell how.
    """

    terms: tuple[tuple[Monomial, int], ...]
    guess: int = field(default=GUESS, compare=False)

    def __repr__(self) -> str:
        text = ""
        for names, factor in self.terms:
            parts = ([] if abs(factor) == 1 and names else [str(abs(factor))]) + list(names)
            text += ("-" if factor < 0 else "+" if text else "") + "*".join(parts)
        return f"({text})" if len(self.terms) > 1 else text


Size = int | Unknown
Shape = tuple[Size, ...]


class Computed(str):
    """The name of a number that follows from others.

    operator: Div, which rounds down, Min or Max. operands: two sizes. depth: how many such names are inside
    of one another.
    """

    __slots__ = ("depth", "operands", "operator")
    operator: str
    operands: tuple[Size, Size]
    depth: int

    def __new__(cls, name: str, operator: str, operands: tuple[Size, Size], depth: int) -> "Computed":
        self = super().__new__(cls, _short(name))
        self.operator, self.operands, self.depth = operator, operands, depth
        return self


def computed(text: str, operator: str, a: Size, b: Size, guess: int) -> Unknown:
    """The number that `text` tells, with a name that tells the operands, unless it is too deep for that."""
    inside = (name.depth for size in (a, b) for name in names_of(size) if isinstance(name, Computed))
    depth = 1 + max(inside, default=0)
    return unknown(text if depth > _DEEPEST else Computed(text, operator, (a, b), depth), guess)


def unknown(name: str, guess: int = GUESS) -> Unknown:
    """The number of this name. Where the name is long, a digest of it is the name."""
    return Unknown((((name if isinstance(name, Computed) else _short(name),), 1),), guess)


def names_of(size: Size) -> list[str]:
    """The named numbers that the size is made of, some of them perhaps several times."""
    return [name for names, _ in terms_of(size) for name in names]


def terms_of(size: Size) -> Iterable[tuple[Monomial, int]]:
    """The products of named numbers that add up to the size, each with its factor."""
    if isinstance(size, Unknown):
        return size.terms
    return [((), size)] if size else []


def plus(a: Size, b: Size) -> Size:
    """a + b"""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    terms = dict(terms_of(a))
    for names, factor in terms_of(b):
        terms[names] = terms.get(names, 0) + factor
    return _of(terms, _likely(a) + _likely(b))


def times(a: Size, b: Size) -> Size:
    """a * b"""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    terms: dict[Monomial, int] = {}
    for first, by in terms_of(a):
        for second, factor in terms_of(b):
            names = tuple(sorted((*first, *second)))
            terms[names] = terms.get(names, 0) + by * factor
    return _of(terms, _likely(a) * _likely(b))


def shifted(size: Size, by: int) -> Size:
    """size + by"""
    return plus(size, by)


def product(sizes: Iterable[Size]) -> Size:
    """All sizes multiplied."""
    total: Size = 1
    for size in sizes:
        total = times(total, size)
    return total


def divided(size: Size, by: int) -> Size:
    """floor(size / by), by at least 1"""
    if isinstance(size, int):
        return size // by
    # floor((by * whole + rest) / by) = whole + floor(rest / by): one form for equal numbers.
    whole, rest = dict[Monomial, int](), dict[Monomial, int]()
    for names, factor in size.terms:
        near = factor // by if not names else (2 * factor + by - 1) // (2 * by)
        whole[names] = near
        rest[names] = factor - near * by
    offset = rest.pop((), 0)
    rest = {names: factor for names, factor in rest.items() if factor}
    guess = size.guess // by
    if not rest:
        return _of(whole, guess)
    common = gcd(by, *rest.values())
    by, offset, rest = by // common, offset // common, {n: factor // common for n, factor in rest.items()}
    sign = 1
    if rest[max(rest, key=_order)] < 0:  # floor(-x / by) = -floor((x + by - 1) / by)
        sign, offset = -1, by - 1 - offset
        rest = {names: -factor for names, factor in rest.items()}
    inside = _of({**rest, (): offset}, abs(guess) * by)
    floor = computed(f"({inside}//{by})", "Div", inside, by, abs(guess))
    return plus(_of(whole, guess), times(sign, floor))


def quotient(size: Size, by: Size) -> Size | None:
    """size / by where that is a whole number whatever the sizes are, None where it may not be."""
    if isinstance(by, int) and by:
        factors = [factor for _, factor in terms_of(size)]
        return divided(size, by) if by > 0 and not any(factor % by for factor in factors) else None
    left, found = dict(terms_of(size)), dict[Monomial, int]()
    divisor = dict(terms_of(by))
    if not divisor:
        return None
    first = max(divisor, key=_order)
    for _ in range(MOST_TERMS):
        if not left:
            return _of(found, _likely(size) // max(_likely(by), 1))
        names = max(left, key=_order)
        more = _without(names, first)
        if more is None or left[names] % divisor[first]:
            return None
        found[more] = left[names] // divisor[first]
        for other, factor in divisor.items():
            key = tuple(sorted((*other, *more)))
            left[key] = left.get(key, 0) - factor * found[more]
            if not left[key]:
                del left[key]
    return None


def rest_of(whole: Size, others: Size) -> Size:
    """whole / others, a whole number where the model runs."""
    if isinstance(others, int) and others > 0:
        return divided(whole, others)
    exact = quotient(whole, others)
    if exact is not None:
        return exact
    return computed(f"({whole})/({others})", "Div", whole, others, guessed(whole) // guessed(others))


def guessed(size: Size) -> int:
    """The size, or a likely one."""
    return size if isinstance(size, int) else max(size.guess, 1)


def windows(size: Size, kernel: int, dilation: int, stride: int, padding: int) -> Size:
    """How many windows fit into `size` elements and `padding` (both ends together) more."""
    return shifted(divided(shifted(size, padding - dilation * (kernel - 1) - 1), stride), 1)


def broadcast(a: Shape, b: Shape) -> Shape:
    """The shape of what two shapes are broadcast to. Sizes that are unknown have to be equal, or one be 1."""
    rank = max(len(a), len(b))
    out: list[Size] = []
    for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if x != y and 1 not in (x, y):
            raise Refusal(
                "its inputs are not known to broadcast: "
                "fix their sizes in the model, or give equal sizes one name"
            )
        out.append(y if x == 1 else x)
    return tuple(out)


def _likely(size: Size) -> int:
    return size if isinstance(size, int) else size.guess


def _order(names: Monomial) -> tuple[int, Monomial]:
    """Products of more names are greater: an order that multiplication keeps."""
    return len(names), names


def _of(terms: Mapping[Monomial, int], guess: int) -> Size:
    """The size of these terms. Where they are many or long, it has a name of its own."""
    kept = sorted(((n, f) for n, f in terms.items() if f), key=lambda term: _order(term[0]), reverse=True)
    if not kept or not kept[0][0]:
        return kept[0][1] if kept else 0
    size = Unknown(tuple(kept), max(-_GREATEST, min(guess, _GREATEST)))
    is_long = len(kept) > MOST_TERMS or any(
        len(names) > _MOST_FACTORS or abs(f) >= _GREATEST for names, f in kept
    )
    return unknown(_digest(str(size)), size.guess) if is_long else size


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else _digest(name)


def _digest(name: str) -> str:
    return f"size {hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _without(names: Monomial, less: Monomial) -> Monomial | None:
    """The names without these; None where some are not among them."""
    left = list(names)
    for name in less:
        if name not in left:
            return None
        left.remove(name)
    return tuple(left)
