"""How many elements a Slice takes: as many as Python's, of any size and bounds."""

from hypothesis import assume, example, given
from hypothesis import strategies as st
from test_sizes import number

from qudnn.converter.graph.sizes import Size, plus, unknown
from qudnn.converter.graph.slices import END, is_all, part_of

bounds = st.integers(-9, 9) | st.just(END)


@given(size=st.integers(0, 9), start=bounds, stop=bounds, step=st.integers(1, 4))
def test_of_numbers(size: int, start: int, stop: int, step: int) -> None:
    assert part_of(size, start, stop, step) == len(range(size)[start:stop:step])


@given(start=bounds, stop=bounds, step=st.integers(1, 4))
@example(start=-7, stop=-3, step=1)
def test_of_an_unknown_size(start: int, stop: int, step: int) -> None:
    taken = part_of(unknown("h"), start, stop, step)
    for h in range(12):
        assert number(taken, {"h": h}) == len(range(h)[start:stop:step])


@given(start=st.integers(0, 9), more=st.integers(-3, 9), known=st.booleans())
def test_to_an_unknown_place(start: int, more: int, known: bool) -> None:
    """Which may be negative, then nothing is known of the result but a name."""
    size: Size = 9 if known else unknown("h")
    taken = part_of(size, start, plus(unknown("w"), more), 1)
    assume("[" not in str(taken))
    for h in range(12):
        for w in range(12):
            stop = w + more
            assert number(taken, {"h": h, "w": w}) == len(range(9 if known else h)[start:stop])


def test_rolling_and_cutting() -> None:
    h = unknown("h")
    assert plus(part_of(h, 3, END, 1), part_of(h, 0, 3, 1)) == h
    assert plus(part_of(h, -3, END, 1), part_of(h, 0, -3, 1)) == h
    assert is_all(h, 0, END, 1) and is_all(h, 0, h, 1) and not is_all(h, 0, plus(h, -1), 1)
