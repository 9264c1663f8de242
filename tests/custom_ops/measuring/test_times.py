"""Runs are counted, and summed up by the textbook; how long they take is no matter here."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from qudnn.custom_ops.measuring import times
from qudnn.custom_ops.measuring.bound import Bound


class Session:
    """Counts its runs; fails in the given one."""

    def __init__(self, fails_in: int = 0) -> None:
        self.runs = 0
        self.fails_in = fails_in
        self.threads: set[int] = set()

    def run(self) -> None:
        self.runs += 1
        self.threads.add(threading.get_ident())
        if self.runs == self.fails_in:
            raise ValueError(f"run {self.runs}")


def bound(*sessions: Session) -> list[Bound]:
    return [cast(Bound, session) for session in sessions]


class Clock:
    """Each look at it is so many seconds later."""

    def __init__(self, steps: Iterator[float]) -> None:
        self.now = 0.0
        self.steps = steps

    def perf_counter(self) -> float:
        self.now += next(self.steps)
        return self.now


@pytest.mark.parametrize("warm", [1, 5])
def test_one_session(monkeypatch: pytest.MonkeyPatch, warm: int) -> None:
    steps = [0.0, 0.5] + [0.0, 0.25] * 4  # the last that does not count, then those that do
    monkeypatch.setattr(times, "time", Clock(iter(steps)))
    session = Session()
    found = times.measure(bound(session), 4, warm)
    assert found == times.Times([0.25] * 4, 1.0)
    assert found.rate == 4
    assert session.runs == warm + 4
    assert session.threads == {threading.get_ident()}


def test_slow_runs_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "time", Clock(iter([0.0, 1.5] * 99)))
    assert len(times.measure(bound(Session()), 50).latencies) == 5
    assert len(times.measure(bound(Session()), 3).latencies) == 3


def test_sessions_run_at_the_same_time() -> None:
    sessions = [Session() for _ in range(3)]
    found = times.measure(bound(*sessions), 7, 2)
    assert len(found.latencies) == 21
    assert [session.runs for session in sessions] == [9] * 3
    assert [len(session.threads) for session in sessions] == [1] * 3  # with which a CUDA graph stays
    assert len(set.union(*(session.threads for session in sessions))) == 3
    assert found.rate == 21 / found.wall


@pytest.mark.parametrize("run", [1, 6])
def test_a_run_that_fails_in_a_thread(run: int) -> None:
    """While it warms up, and later."""
    with pytest.raises(ValueError, match=f"run {run}"):
        times.measure(bound(Session(), Session(fails_in=run), Session()), 7, 2)


def test_percentiles() -> None:
    """As `R`'s quantile and a hand's reckoning have them: of 1 to 101, p% lies at 1 + p."""
    summed: dict[str, Any] = times.summary([n / 1e3 for n in range(101, 0, -1)])
    assert summed == {"p50": 51.0, "p90": 91.0, "p99": 100.0, "mean": 51.0, "min": 1.0, "max": 101.0}
    assert times.summary([0.001, 0.002])["p90"] == 1.9
    assert set(times.summary([0.004]).values()) == {4.0}
