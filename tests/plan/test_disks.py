"""A folder of plans on a disk that is full or read-only: plans are made and kept in memory, told once."""

import json
import sys
from pathlib import Path
from typing import Any

from disks import run_with_disk

FILL = [sys.executable, str(Path(__file__).with_name("processes.py")), "fill"]
COUNT = 12  # of 10 KB each


def filled(folder: Path, options: str, prepare: str = "true") -> Any:
    """What `processes.py fill` prints of such a disk."""
    return json.loads(run_with_disk(folder, options, [*FILL, str(folder), str(COUNT)], prepare))


def test_a_disk_that_gets_full(tmp_path: Path) -> None:
    statistics, log, stored, others = filled(tmp_path, "size=64k")
    assert (statistics["misses"], statistics["disk_hits"], statistics["hits"]) == (COUNT, 0, COUNT)
    assert 0 < len(stored) == statistics["disk_writes"] < COUNT  # whole ones, as far as there was room
    assert [name for name in others if not name.endswith(".lock")] == []  # and no parts of others
    (line,) = log
    assert "plans are not kept on disk" in line and "No space left on device" in line


def test_a_read_only_disk(tmp_path: Path) -> None:
    """As in an image that was made with its plans: those are found, others made anew by each process."""
    make = f'{" ".join(FILL)} "$0" 3 > /dev/null && mount -o remount,ro "$0"'
    statistics, log, stored, others = filled(tmp_path, "size=1m", make)
    assert sorted(stored, key=int) == ["0", "1", "2"]
    assert (statistics["misses"], statistics["disk_hits"], statistics["hits"]) == (COUNT, 3, COUNT)
    assert (statistics["disk_writes"], statistics["disk_rejected"], others) == (0, 0, [])
    (line,) = log
    assert "plans are not kept on disk" in line and "Read-only file system" in line
