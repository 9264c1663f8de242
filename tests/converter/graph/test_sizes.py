"""Sizes that are equal as terms are equal as numbers, and a residual's two branches are equal as terms."""

from hypothesis import given
from hypothesis import strategies as st

from qudnn.converter.graph.sizes import Size, Unknown, divided, shifted, windows

steps = st.lists(st.tuples(st.booleans(), st.integers(1, 7), st.integers(-9, 9)), max_size=6)


def follow(size: Size, path: list[tuple[bool, int, int]]) -> Size:
    for divide, by, offset in path:
        size = divided(size, by) if divide else shifted(size, offset)
    return size


@given(first=steps, second=steps)
def test_equal_terms_are_equal_numbers(
    first: list[tuple[bool, int, int]], second: list[tuple[bool, int, int]]
) -> None:
    if follow(Unknown("h"), first) == follow(Unknown("h"), second):
        assert all(follow(size, first) == follow(size, second) for size in range(100))


def test_residual_branches() -> None:
    for stride in (1, 2):
        half = windows(Unknown("h"), 7, 1, 2, 6)
        main = windows(windows(windows(half, 1, 1, 1, 0), 3, 1, stride, 2), 1, 1, 1, 0)
        assert main == windows(half, 1, 1, stride, 0)
        assert main != windows(half, 2, 1, stride, 0)
    assert windows(Unknown("h"), 3, 1, 1, 2) == Unknown("h")
    assert windows(224, 7, 1, 2, 6) == 112
