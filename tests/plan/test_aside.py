"""Work aside: in order, one piece at a time, and ended before the process is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import testing


@pytest.fixture
def aside() -> Iterator[testing.Aside]:
    made = testing.Aside()
    yield made
    assert made.stop(30)


def test_one_after_the_other(aside: testing.Aside) -> None:
    assert aside.wait(0)
    for number in (1, 2, 3):
        aside.add(number)
    aside.let_go(2)
    assert not aside.wait(0.05)
    assert (aside.pending(), aside.ended()) == (3, [])
    aside.let_go(1)
    aside.let_go(3)
    assert aside.wait(30)
    assert (aside.pending(), aside.ended()) == (0, [1, 2, 3])


def test_stopping_ends_what_is_done_and_begins_no_more(aside: testing.Aside) -> None:
    for number in (1, 2):
        aside.add(number)
    assert aside.stop(30)
    assert aside.pending() == 0
    assert aside.ended() in ([-1], [])  # it may not have begun
    aside.add(3)
    assert aside.pending() == 0


def test_what_waits_can_be_forgotten(aside: testing.Aside) -> None:
    for number in (1, 2, 3):
        aside.add(number)
    aside.clear()
    assert aside.pending() <= 1  # the first may have begun
    for number in (1, 2, 3):
        aside.let_go(number)
    assert aside.wait(30)
    assert aside.ended() in ([1], [])


def test_an_object_that_goes_ends_its_work() -> None:
    made = testing.Aside()
    made.add(1)
    del made  # waits for the work, which would go on


ENDINGS = {
    "returning": "",
    "sys.exit": "sys.exit(3)",
    "an exception": "raise ValueError('wrong')",
    "an interrupt": "os.kill(os.getpid(), signal.SIGINT); time.sleep(30)",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_process_ends_cleanly(ending: str, tmp_path: Path) -> None:
    """Whatever the main thread does, work is stopped and waited for. An interrupt is the main thread's."""
    path = tmp_path / "ended"
    program = (
        "import os, signal, sys, time\n"
        "import testing\n"
        "from qudnn.custom_ops import native\n"
        f"testing.work_aside_until_exit({str(path)!r})\n"
        "time.sleep(0.1)\n" + ENDINGS[ending]
    )
    start = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    expected = {"sys.exit": 3, "an exception": 1, "an interrupt": -signal.SIGINT}
    assert done.returncode == expected.get(ending, 0), done.stderr
    assert ("KeyboardInterrupt" in done.stderr) == (ending == "an interrupt")
    assert path.read_text() == "ended"
    assert time.monotonic() - start < 25


def test_a_child_of_a_fork_has_none_of_its_parents_work(tmp_path: Path) -> None:
    path = tmp_path / "ended"
    program = (
        "import os, sys\n"
        "import testing\n"
        "from qudnn.custom_ops import native\n"
        f"testing.work_aside_until_exit({str(path)!r})\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if native.statistics()['pending'] == 0 and native.wait_for_tuning(1) else 1)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "assert native.statistics()['pending'] == 1 and not native.wait_for_tuning(0.01)\n"
        f"assert not os.path.exists({str(path)!r})\n"
        "sys.exit(os.waitstatus_to_exitcode(status))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert path.read_text() == "ended"
