"""How long runs take: one session's after another, or several sessions' at the same time."""

import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import numpy as np

PERCENTILES = (50, 90, 99)

_SLOW = 1.0  # seconds of a run, from which on there are
_RUNS_OF_SLOW = 5  # of them at most


class Runs(Protocol):
    """What is measured: a session with its inputs, such as bound.Bound."""

    def run(self) -> None:
        """One run, to its end."""


class Times(NamedTuple):
    """latencies: seconds of each run, of all sessions. wall: seconds in which all of them were done."""

    latencies: list[float]
    wall: float

    @property
    def rate(self) -> float:
        """Runs a second."""
        return len(self.latencies) / self.wall


def measure(sessions: Sequence[Runs], runs: int, warm: int = 5) -> Times:
    """Runs each session so many times, each in a thread of its own, after `warm` runs that do not count.

    CUDA graphs are captured meanwhile, in the second run. Where a run takes longer than a second, there are
    five at most. Raises what a run raises.
    """
    if len(sessions) == 1:  # nothing of threads in its times
        count = _warmed_up(sessions[0], runs, warm)
        latencies = [_timed(sessions[0]) for _ in range(count)]
        return Times(latencies, sum(latencies))
    return _in_threads(sessions, runs, warm)


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds: percentiles, linear between two runs, the mean and both ends."""
    milliseconds = np.asarray(seconds) * 1e3
    values = np.percentile(milliseconds, PERCENTILES)
    named = {f"p{q}": float(value) for q, value in zip(PERCENTILES, values, strict=True)}
    named |= {"mean": statistics.fmean(milliseconds), "min": min(milliseconds), "max": max(milliseconds)}
    return {name: round(float(value), 4) for name, value in named.items()}


def _warmed_up(session: Runs, runs: int, warm: int) -> int:
    """How many runs to time, after those that do not count."""
    for _ in range(warm - 1):
        session.run()
    return runs if _timed(session) < _SLOW else min(runs, _RUNS_OF_SLOW)


def _timed(session: Runs) -> float:
    start = time.perf_counter()
    session.run()
    return time.perf_counter() - start


def _in_threads(sessions: Sequence[Runs], runs: int, warm: int) -> Times:
    latencies: list[list[float]] = [[] for _ in sessions]
    errors: list[Exception] = []
    one_by_one = threading.Lock()  # nothing may be allocated while a CUDA graph is captured
    barrier = threading.Barrier(len(sessions) + 1)

    def work(index: int) -> None:
        try:
            with one_by_one:  # in this thread: onnxruntime keeps a CUDA graph with the one that captured it
                count = _warmed_up(sessions[index], runs, warm)
            barrier.wait()
            for _ in range(count):
                latencies[index].append(_timed(sessions[index]))
        except threading.BrokenBarrierError:
            pass  # another one has failed
        except Exception as error:  # onnxruntime's have no type in common
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(sessions))]
    for thread in threads:
        thread.start()
    with suppress(threading.BrokenBarrierError):
        barrier.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - start
    if errors:
        raise errors[0]
    return Times([second for each in latencies for second in each], wall)
