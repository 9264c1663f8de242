"""What test_shared_folder.py, test_turns.py and test_disks.py run in processes of their own.

python processes.py share FOLDER INDEX    goes through all keys, together with the others
python processes.py write FOLDER          writes one record again and again, until it is killed
python processes.py make FOLDER           makes one record, until there is a file `done` beside FOLDER
python processes.py fill FOLDER COUNT     makes large records, and says what has become of them
"""

import itertools
import json
import sys
import time
from functools import partial
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))  # as pytest has it

import records
import testing

PROCESSES = 4
KEYS = 25
CAPACITY = 100


def share(folder: Path, index: int) -> None:
    """Prints how many records this process made, its cache's counters and log."""
    (folder.parent / f"ready{index}").touch()
    while not (folder.parent / "go").exists():
        time.sleep(0.001)
    cache = testing.StoredCache(CAPACITY, str(folder))
    built = 0

    def build() -> records.Fields:
        nonlocal built
        built += 1
        time.sleep(0.004)  # so that the processes meet
        return expected

    for step in range(KEYS):
        expected = records.numbered((step + index * KEYS // PROCESSES // 2) % KEYS)
        assert cache.get(expected, build) == expected
    mine, again = built, testing.StoredCache(CAPACITY, str(folder))
    for number in range(KEYS):
        assert again.get(records.numbered(number), build) == records.numbered(number)
    assert built == mine  # all were found
    print(json.dumps([mine, cache.statistics(), cache.log() + again.log()]))


def write(folder: Path) -> None:
    store = testing.Store(str(folder))
    print("writing", flush=True)
    for number in itertools.count():
        serialized = bytes([number % 256]) * (number % 50 * 4000)
        store.write(records.record(serialized=serialized, created=number))


def make(folder: Path) -> None:
    """Fails where `done` is not empty."""

    def build() -> records.Fields:
        print("making", flush=True)
        done = folder.parent / "done"
        while not done.exists():
            time.sleep(0.001)
        if done.read_bytes():
            raise RuntimeError("the engine fails")
        return records.record(plan="made elsewhere")

    testing.StoredCache(CAPACITY, str(folder)).get(records.key(), build)


def fill(folder: Path, count: int) -> None:
    """Prints a cache's counters and log, the keys that the folder has then, and what else lies in it."""
    cache = testing.StoredCache(CAPACITY, str(folder))
    wanted = [records.numbered(number, serialized=bytes(10_000)) for number in range(count)]
    for _ in range(2):  # made or found, then from memory
        for record in wanted:
            assert cache.get(record, partial(dict, record)) == record
    stored = testing.Store(str(folder)).list()
    assert all(record in wanted for record in stored)
    others = sorted(path.name for path in folder.iterdir() if path.suffix != ".plan")
    print(json.dumps([cache.statistics(), cache.log(), [record["plan"] for record in stored], others]))


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1] == "share":
        share(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        write(Path(sys.argv[2]))
