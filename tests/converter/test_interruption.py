"""A command that is ended by a signal: its exit status, and nothing left behind or said."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from converter.cli import interruption

# A verb that works in a folder of its own until it is ended; how, is the argument.
PROGRAM = """
import argparse, sys, threading, time
from pathlib import Path
from converter import cli, output
from converter.cli import interruption

class Verb:
    "Waits."
    __name__ = "wait"
    def add_arguments(self, parser):
        parser.add_argument("how")
    def run(self, arguments):
        with output.scratch(Path.cwd()) as folder:
            (folder / "half").write_bytes(b"a model")
            wait = threading.Event().wait  # hears no signals in a thread of its own
            print("working", flush=True)
            if arguments.how == "apart":
                interruption.endable(wait)
            while True:
                try:
                    time.sleep(1)
                except Exception:
                    pass

cli._verbs = lambda: (Verb(),)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("how", ["here", "apart"])
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_it_leaves_nothing_behind(tmp_path: Path, number: signal.Signals, status: int, how: str) -> None:
    command = [sys.executable, "-c", PROGRAM, "wait", how]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(number)
    process.send_signal(number)  # whoever is impatient does no harm
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (status, "", "")
    assert list(tmp_path.iterdir()) == []


def test_what_ends_while_it_is_waited_for() -> None:
    assert interruption.endable(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        interruption.endable(lambda: 1 // 0)


def raises_in(work: Callable[[], None]) -> int:
    with pytest.raises(interruption.Ended) as ended, interruption.raising():
        work()
    return ended.value.status


def test_signals_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    assert raises_in(lambda: signal.raise_signal(signal.SIGTERM)) == 143
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruption.raising():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_tidying_up_is_not_disturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    tidied = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            tidied.append(True)

    assert raises_in(work) == 143
    assert tidied


def test_a_signal_that_was_lost_can_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 14.9, 15.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(times))

    def work() -> None:
        for _ in range(3):
            try:
                signal.raise_signal(signal.SIGTERM)
            except interruption.Ended:
                heard.append(True)

    heard: list[bool] = []
    with interruption.raising():
        work()
    assert len(heard) == 2


def test_outside_of_the_main_thread_nothing_changes() -> None:
    def work() -> None:
        with interruption.raising():
            seen.append(signal.getsignal(signal.SIGTERM))

    seen: list[object] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
