"""What the library does about failures: not again at once, and not for ever; and about forks."""

import os
import signal
from collections.abc import Callable

import onnxruntime
import testing

from qudnn import custom_ops

FIRST, LONGEST = 1, 15 * 60  # seconds between attempts


def waits(backoff: testing.Backoff, until: int) -> list[int]:
    """The seconds at which an attempt is due, asked four times a second."""
    return [time for time in range(until) for quarter in range(4) if backoff.claim(time + quarter / 4)]


def test_waits_grow_up_to_a_limit() -> None:
    due = waits(testing.Backoff(0), 6000)
    assert due[:4] == [FIRST, FIRST + 2, FIRST + 2 + 4, FIRST + 2 + 4 + 8]
    assert {later - earlier for earlier, later in zip(due[-3:], due[-2:], strict=False)} == {LONGEST}


class Work:
    """Fails as long as it is told to."""

    def __init__(self) -> None:
        self.fails = True
        self.attempts = 0

    def __call__(self) -> str:
        self.attempts += 1
        if self.fails:
            raise ValueError(f"attempt {self.attempts}")
        return "done"


def attempt(failures: testing.Failures, time: float, work: Callable[[], str], name: str = "a") -> str:
    try:
        return failures.attempt(name, time, work)
    except ValueError as error:
        return str(error)


def test_what_failed_is_not_tried_again_at_once() -> None:
    failures, work = testing.Failures(9), Work()
    results = [attempt(failures, time / 10, work) for time in range(32)]
    assert results == ["attempt 1"] * 10 + ["attempt 2"] * 20 + ["attempt 3"] * 2
    assert attempt(failures, 3.3, Work(), "another") == "attempt 1"
    work.fails = False
    assert attempt(failures, 5, work) == "attempt 3"
    assert attempt(failures, 8, work) == "done"
    assert attempt(failures, 8, work) == "done"
    assert work.attempts == 5
    work.fails = True
    assert attempt(failures, 8, work) == "attempt 6"
    failures.clear()
    assert attempt(failures, 8, work) == "attempt 7"


def test_failures_are_not_remembered_without_end() -> None:
    failures = testing.Failures(2)
    workers = {name: Work() for name in "abc"}
    for name in "abcabc":
        attempt(failures, 0, workers[name], name)
    assert [work.attempts for work in workers.values()] == [2, 2, 2]


def test_a_better_value_takes_the_place_of_one_that_was_made_in_need() -> None:
    chosen = testing.Chosen("poor")
    assert chosen.now() == "poor"
    chosen.replace("good")
    assert chosen.now() == "good"
    chosen.replace_first("too late")
    assert chosen.now() == "good"
    chosen.replace("better")
    assert chosen.now() == "better"


def test_a_child_of_a_fork_has_threads_of_its_own() -> None:
    """It has none of its parent's, and would wait for them for ever."""
    assert testing.run_on_pool(20) == 20
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(0 if testing.run_on_pool(20) == 20 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert testing.run_on_pool(20) == 20


def test_a_failure_that_there_is_no_memory_to_describe() -> None:
    onnxruntime.SessionOptions().register_custom_ops_library(custom_ops.library_path())
    assert testing.status_without_memory() == "qudnn: out of memory"
