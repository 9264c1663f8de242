"""Several processes on one folder of plans: all succeed, and all files are valid at any time."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import records
import testing
from processes import KEYS, PROCESSES

PROGRAM = Path(__file__).with_name("processes.py")


def start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_four_processes_share_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    workers = [start("share", folder, index) for index in range(PROCESSES)]
    for _ in range(3000):
        if len(list(tmp_path.glob("ready*"))) == PROCESSES:
            break
        time.sleep(0.01)
    (tmp_path / "go").touch()
    results = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    for built, statistics, log in results:
        assert log == []
        assert statistics["misses"] == KEYS
        assert (statistics["disk_writes"], statistics["disk_rejected"]) == (built, 0)
        assert built + statistics["disk_hits"] == KEYS
    total = sum(built for built, _, _ in results)
    assert total == KEYS  # none was made twice
    stored = testing.Store(str(folder)).list()
    assert sorted(int(fields["plan"]) for fields in stored) == list(range(KEYS))
    assert len(list(folder.iterdir())) == KEYS


@pytest.mark.parametrize("attempt", range(3))
def test_a_process_that_is_killed_while_it_writes(tmp_path: Path, attempt: int) -> None:
    store = testing.Store(str(tmp_path))
    writer = start("write", tmp_path)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        seen = set()
        deadline = time.monotonic() + 0.2 + attempt / 100
        while time.monotonic() < deadline:
            if fields := store.read(records.key()):  # BadRecord if it were ever half a file
                assert len(set(fields["serialized"])) <= 1
                seen.add(fields["created"])
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=30)
    assert len(seen) > 1
    assert store.read(records.key()) is not None
    assert store.write(records.record(plan="after"))
    assert store.list() == [records.record(plan="after")]
