"""Sizes that are equal as terms are equal as numbers, and a residual's two branches are equal as terms."""

from collections.abc import Callable
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from qudnn.converter.graph.bounds import at_least_nothing, is_never_negative, least
from qudnn.converter.graph.sizes import (
    Size,
    Unknown,
    divided,
    plus,
    quotient,
    shifted,
    times,
    unknown,
    windows,
)

Term = Callable[[dict[str, Size]], Size]

steps = st.lists(st.tuples(st.booleans(), st.integers(1, 7), st.integers(-9, 9)), max_size=6)


def follow(size: Size, path: list[tuple[bool, int, int]]) -> Size:
    for divide, by, offset in path:
        size = divided(size, by) if divide else shifted(size, offset)
    return size


@given(first=steps, second=steps)
def test_equal_terms_are_equal_numbers(
    first: list[tuple[bool, int, int]], second: list[tuple[bool, int, int]]
) -> None:
    if follow(unknown("h"), first) == follow(unknown("h"), second):
        assert all(follow(size, first) == follow(size, second) for size in range(100))


def test_residual_branches() -> None:
    for stride in (1, 2):
        half = windows(unknown("h"), 7, 1, 2, 6)
        main = windows(windows(windows(half, 1, 1, 1, 0), 3, 1, stride, 2), 1, 1, 1, 0)
        assert main == windows(half, 1, 1, stride, 0)
        assert main != windows(half, 2, 1, stride, 0)
    assert windows(unknown("h"), 3, 1, 1, 2) == unknown("h")
    assert windows(224, 7, 1, 2, 6) == 112


FUNCTIONS = {"least": min, "most": max}


def number(size: Size, known: dict[str, Size]) -> int:
    """The number that a size stands for, by its text."""
    return int(eval(str(size), dict(FUNCTIONS), dict(known)))


def _of_two(parts: tuple[Callable[[Size, Size], Size], Term, Term]) -> Term:
    function, first, second = parts
    return lambda known: function(first(known), second(known))


def _divided(parts: tuple[Term, int]) -> Term:
    term, by = parts
    return lambda known: divided(term(known), by)


NAMES = ("n", "h", "w")
sizes = st.recursive(
    st.integers(-9, 9).map(lambda number: lambda known: number)
    | st.sampled_from(NAMES).map(lambda name: lambda known: known[name]),
    lambda inner: (
        st.tuples(st.sampled_from([plus, times, least]), inner, inner).map(_of_two)
        | st.tuples(inner, st.integers(1, 9)).map(_divided)
    ),
    max_leaves=12,
)


@given(term=sizes)
def test_terms_are_the_numbers_that_they_stand_for(term: Term) -> None:
    """A name of a quotient tells what is divided by what."""
    size = term({name: unknown(name) for name in NAMES})
    assume("size" not in str(size))  # a digest of a long one
    for numbers in product((1, 2, 7, 12), repeat=3):
        known = dict(zip(NAMES, numbers, strict=True))
        assert number(size, dict[str, Size](known)) == term(dict[str, Size](known))


@given(first=sizes, second=sizes)
def test_what_was_multiplied_is_divided_again(first: Term, second: Term) -> None:
    a, b = (term({name: unknown(name) for name in NAMES}) for term in (first, second))
    if b != 0 and "size" not in str(times(a, b)) + str(b):
        found = quotient(times(a, b), b)
        assert found == a or (isinstance(b, int) and b < 0)


def test_one_form_for_equal_numbers() -> None:
    n, h, w = map(unknown, NAMES)
    assert plus(times(n, 49), times(-49, n)) == 0
    assert times(times(49, n), h) == times(h, times(n, 49))
    assert quotient(times(plus(h, 1), plus(w, n)), plus(h, 1)) == plus(n, w)
    assert quotient(times(n, 6), times(n, 4)) is None
    assert quotient(n, h) is None
    assert quotient(h, 0) is None
    # Rounded up to a multiple of 7, as windows of attention have it: (7 - h % 7) % 7 more.
    left = plus(7, times(-1, plus(h, times(-7, divided(h, 7)))))
    whole = plus(h, plus(left, times(-7, divided(left, 7))))
    assert whole == times(7, divided(plus(h, 6), 7))
    assert divided(times(4, h), 6) == divided(times(2, h), 3)


def test_long_terms_have_names() -> None:
    """However often sizes are multiplied, what is kept of them is short, and equal where they are."""
    n = unknown("n")
    size: Size = n
    for _ in range(200):
        size = times(plus(size, 1), plus(n, size))
    assert isinstance(size, Unknown) and len(str(size)) < 2000
    assert times(plus(size, 1), n) == times(n, plus(1, size))


@given(term=sizes)
def test_what_is_never_negative_is_not(term: Term) -> None:
    size = term({name: unknown(name) for name in NAMES})
    assume("size" not in str(size))
    numbers = [
        number(size, dict[str, Size](zip(NAMES, numbers, strict=True)))
        for numbers in product((0, 1, 2, 6, 7, 12), repeat=3)
    ]
    if is_never_negative(size):
        assert min(numbers) >= 0
    assert is_never_negative(at_least_nothing(size))
