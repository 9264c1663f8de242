"""The plan cache over a folder, with a Python function for an engine: found, made once, made anew."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import records
import testing

Fields = records.Fields


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "plans"


class Engine:
    """Makes the record of a key, and counts."""

    def __init__(self) -> None:
        self.built: Counter[str] = Counter()
        self.lock = threading.Lock()

    def make(self, key: Fields) -> Callable[[], Fields]:
        def build() -> Fields:
            with self.lock:
                self.built[key["problem"]] += 1
            return records.record(key, plan=f"plan of {key['problem']}")

        return build

    def expected(self, key: Fields) -> Fields:
        return records.record(key, plan=f"plan of {key['problem']}")


def never() -> Fields:
    raise AssertionError("built again")


def keys(count: int) -> list[Fields]:
    return [records.key(f"problem {number}") for number in range(count)]


def counts(cache: testing.StoredCache, *names: str) -> tuple[int, ...]:
    statistics = cache.statistics()
    return tuple(statistics[name] for name in names)


def test_another_process_would_find_it(folder: Path) -> None:
    engine, key = Engine(), records.key()
    first = testing.StoredCache(9, str(folder))
    assert first.get(key, engine.make(key)) == engine.expected(key)
    assert first.get(key, never) == engine.expected(key)
    assert counts(first, "hits", "misses", "disk_hits", "disk_writes") == (1, 1, 0, 1)
    second = testing.StoredCache(9, str(folder))
    for _ in range(2):
        assert second.get(key, never) == engine.expected(key)
    assert counts(second, "hits", "misses", "disk_hits", "disk_writes") == (1, 1, 1, 0)
    assert first.log() == second.log() == []


def test_no_folder_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine, key = Engine(), records.key()
    for _ in range(2):
        cache = testing.StoredCache(9, "")
        cache.get(key, engine.make(key))
        cache.get(key, never)
        assert cache.log() == []
    assert engine.built.total() == 2
    assert list(tmp_path.iterdir()) == []


def test_what_was_evicted_comes_back_from_the_folder(folder: Path) -> None:
    engine, cache = Engine(), testing.StoredCache(2, str(folder))
    for _ in range(2):
        for key in keys(4):
            assert cache.get(key, engine.make(key)) == engine.expected(key)
    assert set(engine.built.values()) == {1}
    assert counts(cache, "misses", "disk_hits", "disk_writes", "evictions", "entries") == (8, 4, 4, 6, 2)


def test_cleared(folder: Path) -> None:
    engine, key = Engine(), records.key()
    cache = testing.StoredCache(9, str(folder))
    cache.get(key, engine.make(key))
    cache.clear()
    assert counts(cache, "entries", "disk_writes") == (0, 0)
    assert cache.get(key, never) == engine.expected(key)  # files stay


def test_a_failed_build_leaves_nothing(folder: Path) -> None:
    def fail() -> Fields:
        raise ValueError("no engine runs it")

    engine, key = Engine(), records.key()
    cache = testing.StoredCache(9, str(folder))
    with pytest.raises(Exception, match="no engine runs it"):
        cache.get(key, fail)
    assert not list(folder.iterdir())
    assert cache.get(key, engine.make(key)) == engine.expected(key)


def test_eight_threads_on_an_empty_folder_build_each_plan_once(folder: Path) -> None:
    engine, wanted = Engine(), keys(40)
    cache = testing.StoredCache(1000, str(folder))
    barrier = threading.Barrier(8)

    def work(index: int) -> None:
        barrier.wait(30)
        for key in wanted[index:] + wanted[:index]:
            assert cache.get(key, engine.make(key)) == engine.expected(key)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert engine.built == Counter({key["problem"]: 1 for key in wanted})
    assert counts(cache, "misses", "hits", "disk_writes") == (40, 280, 40)
    assert len(testing.Store(str(folder)).list()) == len(list(folder.iterdir())) == 40


def rebuilds(folder: Path, damaged: bytes) -> list[str]:
    """Puts a damaged file in the place of a good one; what a cache logs that has to make the plan anew."""
    engine, key = Engine(), records.key()
    path = Path(testing.Store(str(folder)).path(key))
    path.write_bytes(damaged)
    cache = testing.StoredCache(9, str(folder))
    for _ in range(2):
        assert cache.get(key, engine.make(key)) == engine.expected(key)
    assert engine.built.total() == 1
    assert counts(cache, "disk_hits", "disk_writes", "disk_rejected") == (0, 1, 1)
    assert testing.decode(path.read_bytes()) == engine.expected(key)
    assert [item.name for item in folder.iterdir()] == [path.name]
    log = cache.log()
    assert len(log) == 1, log
    assert str(path) in log[0]
    assert "\n" not in log[0]
    return log


@pytest.fixture
def good(folder: Path) -> bytes:
    """The bytes of the file that rebuilds() replaces."""
    key = records.key()
    testing.StoredCache(9, str(folder)).get(key, Engine().make(key))
    return Path(testing.Store(str(folder)).path(key)).read_bytes()


def test_every_flipped_byte_is_rebuilt(folder: Path, good: bytes) -> None:
    for index in range(len(good)):
        rebuilds(folder, good[:index] + bytes([good[index] ^ 0xFF]) + good[index + 1 :])


def test_every_flipped_bit_of_the_frame_is_rebuilt(folder: Path, good: bytes) -> None:
    for index in [*range(28), *range(len(good) - records.DIGEST, len(good))]:
        for bit in range(8):
            rebuilds(folder, good[:index] + bytes([good[index] ^ 1 << bit]) + good[index + 1 :])


def test_every_truncated_file_is_rebuilt(folder: Path, good: bytes) -> None:
    for size in range(len(good)):
        rebuilds(folder, good[:size])


def test_other_versions_and_foreign_files_are_rebuilt(folder: Path, good: bytes) -> None:
    body = records.body(good)
    assert "of format 7, not 1" in rebuilds(folder, records.sealed(body, version=7))[0]
    assert "not a plan of qudnn" in rebuilds(folder, b"\x89PNG\r\n\x1a\n" + bytes(500))[0]
    other = records.record(records.key(qudnn="0.0.9"))
    assert "of another problem, GPU or version" in rebuilds(folder, testing.encode(other))[0]


def test_a_folder_that_cannot_be_written_is_mentioned_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    engine = Engine()
    cache = testing.StoredCache(9, str(tmp_path / "file" / "plans"))
    for key in keys(5):
        assert cache.get(key, engine.make(key)) == engine.expected(key)
    assert counts(cache, "misses", "disk_writes") == (5, 0)
    assert len(cache.log()) == 1
    assert "plans are not kept on disk" in cache.log()[0]
