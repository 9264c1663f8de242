"""In what order candidates are tried and when the search ends, with engines and times made up."""

import random
from dataclasses import dataclass
from math import inf

import pytest
import testing


@dataclass(frozen=True)
class Made:
    """A candidate of an engine: seconds of work to build it, and the time that it would take."""

    microseconds: float  # infinity: it turns out not to work
    compiled: bool = True
    named: bool = True
    place: int = 0
    rank: int | None = None


class Search:
    """A search as the tuner does it; times are those that the candidates are made with."""

    def __init__(
        self,
        candidates: list[Made],
        floor: float = 0.0,
        *,
        known: bool = True,
        matters: bool = True,
        may_win: bool = True,
    ) -> None:
        tried: dict[int, float] = {}
        self.lots: list[list[int]] = []

        def entrants() -> list[testing.Entrant]:
            return [
                (c.compiled, c.named, c.place, c.rank, seen(tried.get(i))) for i, c in enumerate(candidates)
            ]

        while lot := testing.next_lot(
            entrants(), floor, generation_known=known, speed_matters=matters, compiled_may_win=may_win
        ):
            assert not set(lot) & tried.keys()
            self.lots.append(lot)
            tried |= {i: candidates[i].microseconds for i in lot}
        self.best = min(tried.values(), default=inf)
        self.compiled = sum(candidates[i].compiled for i in tried)


def seen(time: float | None) -> float | None:
    return -1.0 if time == inf else time


def named(count: int, time: float, first: int = 0) -> list[Made]:
    return [Made(time + place, place=place + first) for place in range(count)]


def unnamed(times: list[float], ranks: dict[int, int] | None = None) -> list[Made]:
    ranks = ranks or {}
    return [Made(time, named=False, place=5 + i, rank=ranks.get(i)) for i, time in enumerate(times)]


def test_what_is_ready_comes_first() -> None:
    candidates = [*named(3, 20), Made(10, compiled=False), Made(11, compiled=False)]
    assert Search(candidates, known=False).lots == [[3, 4], [0, 1, 2]]
    assert Search(candidates).lots == [[3, 4], [0]]


def test_then_the_first_named_of_each_engine_and_the_likeliest_winners() -> None:
    candidates = [*named(5, 20), *named(5, 30), *unnamed([15, 16, 17, 18], {1: 3, 2: 4, 3: 0})]
    assert Search(candidates).lots == [[0, 5, 13, 11]]
    lots = Search(candidates, known=False).lots
    assert lots[0] == [0, 5, 1, 6, 2, 7, 13, 11]
    assert sorted(lots[1]) == [3, 4, 8, 9, 12]


def test_where_own_kernels_suffice_nothing_is_compiled() -> None:
    ready = Made(100, compiled=False)
    assert Search([ready, *named(5, 10)], may_win=False).lots == [[0]]
    broken = Made(inf, compiled=False)
    assert Search([broken, *named(5, 10)], may_win=False).best == 10


def test_near_the_floor_nothing_is_compiled() -> None:
    ready = Made(10.5, compiled=False)
    assert Search([ready, *named(5, 10)], floor=10).compiled == 0
    assert Search([ready, *named(5, 10)], floor=9, known=False).compiled == 5
    entrant: testing.Entrant = (False, True, 0, None, 10.5)
    assert not testing.compiling_pays([entrant], 10)
    assert testing.compiling_pays([entrant], 9)
    assert testing.compiling_pays([], 9)


def test_compiled_ones_that_are_far_behind_are_not_explored() -> None:
    ready = Made(100, compiled=False)
    near, far = ([ready, *named(5, time), *unnamed([90.0] * 20)] for time in (110, 140))
    assert Search(near, floor=10).best == 90
    assert Search(far, floor=10).lots == [[0], [1]]
    assert Search(far, floor=10, known=False).lots == [[0], [1, 2, 3]]


def test_what_nobody_names_is_tried_where_no_winners_are_known() -> None:
    candidates = [*named(5, 20), *unnamed([30.0] * 40 + [10.0])]
    assert Search(candidates, known=False).best == 10
    assert Search(candidates, known=True).best == 20  # too small to find a better one
    large = [*named(5, 200), *unnamed([300.0] * 40 + [100.0])]
    assert Search(large, known=True).best == 100
    assert Search(large, floor=110, known=True).best == 200  # near enough to what the GPU can do


def test_exploring_ends() -> None:
    candidates = [*named(5, 200), *unnamed([300.0] * 200)]
    search = Search(candidates, known=False)
    assert search.compiled == 5 + 64
    assert max(map(len, search.lots)) == 16


def test_small_problems_take_what_is_named() -> None:
    candidates = [*named(5, 20), *unnamed([5.0] * 20, {0: 0})]
    search = Search(candidates, known=False, matters=False)
    assert (search.best, search.compiled) == (20, 5)


def test_candidates_that_do_not_work() -> None:
    assert Search([Made(inf, compiled=False), *named(2, 20)]).best == 20
    broken = [Made(inf, place=place) for place in range(4)]
    assert Search([*broken, *named(1, 20, first=4)]).best == 20
    assert Search([*broken, *unnamed([10.0])], known=False).best == 10
    assert Search([]).lots == []


def test_the_same_measurements_give_the_same_search() -> None:
    """Whatever was searched before: there is nothing that remembers it."""
    candidates = [*named(5, 20), *unnamed([15.0 + i for i in range(50)], {3: 1, 7: 0})]
    first = Search(candidates, known=False).lots
    Search([*named(5, 5), *unnamed([1.0] * 60)], known=False)
    assert Search(candidates, known=False).lots == first


@pytest.mark.parametrize("seed", range(30))
def test_close_to_all_of_them_where_winners_are_known(seed: int) -> None:
    """As kernels were measured: a winner is among the known ones, and others within 3 % of it are many."""
    rng = random.Random(seed)
    floor = rng.uniform(5, 40)
    ready = [Made(floor * rng.uniform(1.05, 3), compiled=False) for _ in range(10)]
    kernels = [floor * rng.uniform(1.3, 3) for _ in range(56)]
    winner = min(range(56), key=kernels.__getitem__)
    candidates = [
        *ready,
        *(Made(floor * rng.uniform(1.5, 4), place=place) for place in range(5)),
        *unnamed(kernels, {winner: rng.randrange(4)}),
    ]
    search = Search(candidates, floor)
    ready_best = min(made.microseconds for made in ready)
    best = min(made.microseconds for made in candidates)
    # Compiled ones left far behind are not sought among.
    assert search.best <= max(1.03 * best, min(ready_best, 1.08 * floor))
    assert search.compiled <= 5 or search.best >= 30
