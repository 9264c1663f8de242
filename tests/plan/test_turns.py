"""Processes that need the same plan at the same time: one makes it, and the others wait, but not for ever."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import records
import testing

PROGRAM = Path(__file__).with_name("processes.py")
HERE, ELSEWHERE = records.record(plan="made here"), records.record(plan="made elsewhere")
LONG = 60.0  # seconds: the tests end long before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "plans"


@pytest.fixture
def maker(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that makes the plan of records.key(), and has begun to."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), "make", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "making\n"
    yield process
    process.kill()
    process.communicate(timeout=30)


class Waiter(threading.Thread):
    """Gets the plan of the same key in this process, and counts how often it is made here."""

    def __init__(self, folder: Path, patience: float) -> None:
        super().__init__(daemon=True)
        self.cache = testing.StoredCache(9, str(folder), patience)
        self.built = 0
        self.got: records.Fields = {}

    def build(self) -> records.Fields:
        self.built += 1
        return HERE

    def run(self) -> None:
        self.got = self.cache.get(records.key(), self.build)

    def waits(self) -> bool:
        self.join(0.3)
        return self.is_alive()

    def result(self) -> tuple[records.Fields, int]:
        self.join(LONG / 2)
        assert not self.is_alive()
        return self.got, self.built


def waiting(folder: Path, patience: float = LONG) -> Waiter:
    waiter = Waiter(folder, patience)
    waiter.start()
    assert waiter.waits()
    return waiter


def test_waits_for_the_plan_of_another_process(folder: Path, maker: "subprocess.Popen[str]") -> None:
    waiter = waiting(folder)
    (folder.parent / "done").touch()
    assert waiter.result() == (ELSEWHERE, 0)
    assert waiter.cache.statistics()["disk_hits"] == 1
    assert waiter.cache.log() == []
    assert maker.wait(30) == 0
    assert [path.suffix for path in folder.iterdir()] == [".plan"]


def test_other_problems_do_not_wait(folder: Path, maker: "subprocess.Popen[str]") -> None:
    cache = testing.StoredCache(9, str(folder), LONG)
    other = records.numbered(1)
    assert cache.get(other, lambda: other) == other
    assert maker.poll() is None


def test_the_turn_of_a_process_that_dies_goes_to_the_next(
    folder: Path, maker: "subprocess.Popen[str]"
) -> None:
    waiter = waiting(folder)
    maker.send_signal(signal.SIGKILL)
    assert waiter.result() == (HERE, 1)
    assert [path.suffix for path in folder.iterdir()] == [".plan"]


def test_the_turn_of_a_process_that_fails_goes_to_the_next(
    folder: Path, maker: "subprocess.Popen[str]"
) -> None:
    waiter = waiting(folder)
    (folder.parent / "done").write_text("fail")
    assert waiter.result() == (HERE, 1)
    assert maker.wait(30) == 1


def test_nobody_waits_for_ever(folder: Path, maker: "subprocess.Popen[str]") -> None:
    start = time.monotonic()
    waiter = waiting(folder, patience=0.6)
    assert waiter.result() == (HERE, 1)
    assert time.monotonic() - start >= 0.6
    assert maker.poll() is None
    (folder.parent / "done").touch()  # the other one's plan takes the place of this one's
    assert maker.wait(30) == 0
    assert testing.Store(str(folder)).read(records.key()) == ELSEWHERE


def test_of_several_that_wait_one_is_next(folder: Path, maker: "subprocess.Popen[str]") -> None:
    waiters = [waiting(folder) for _ in range(3)]
    maker.send_signal(signal.SIGKILL)
    results = [waiter.result() for waiter in waiters]
    assert [plan for plan, _ in results] == [HERE] * 3
    assert sum(built for _, built in results) == 1


def lock_of(folder: Path) -> Path:
    return Path(testing.Store(str(folder)).path(records.key())).with_suffix(".lock")


def test_where_no_lock_can_be_had_nobody_waits(folder: Path) -> None:
    """A folder that cannot be written to is like that; root can write to any."""
    lock_of(folder).mkdir(parents=True)
    waiter = Waiter(folder, LONG)
    waiter.start()
    assert waiter.result() == (HERE, 1)
    assert waiter.cache.statistics()["disk_writes"] == 1


def test_a_link_is_no_lock(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    lock_of(folder).symlink_to(tmp_path / "elsewhere")
    waiter = Waiter(folder, LONG)
    waiter.start()
    assert waiter.result() == (HERE, 1)
    assert not (tmp_path / "elsewhere").exists()


def test_a_read_only_folder(folder: Path) -> None:
    store = testing.Store(str(folder))
    assert store.write(records.numbered(1))
    before = sorted(folder.iterdir())
    folder.chmod(0o500)
    try:
        probe = folder / "probe"
        try:
            probe.touch()
        except PermissionError:
            pass
        else:
            probe.unlink()
            pytest.skip("this user may write to any folder")
        waiter = Waiter(folder, LONG)
        waiter.start()
        assert waiter.result() == (HERE, 1)
        assert sorted(folder.iterdir()) == before
    finally:
        folder.chmod(0o700)


def test_a_damaged_plan_is_mentioned_once(folder: Path) -> None:
    folder.mkdir()
    Path(testing.Store(str(folder)).path(records.key())).write_bytes(b"damaged")
    waiter = Waiter(folder, LONG)
    waiter.start()
    assert waiter.result() == (HERE, 1)
    assert len(waiter.cache.log()) == 1
    assert waiter.cache.statistics()["disk_rejected"] == 1


def test_locks_that_were_left_are_removed(folder: Path) -> None:
    folder.mkdir()
    old, young, foreign = lock_of(folder), folder / f"{'0' * 40}.lock", folder / "mine.lock"
    for path in (old, young, foreign):
        path.touch()
    for path in (old, foreign):
        hours_ago = time.time() - 7200
        os.utime(path, (hours_ago, hours_ago))
    testing.Store(str(folder)).clear()
    assert sorted(folder.iterdir()) == sorted([young, foreign])
