"""Plans in one file: exported, imported elsewhere, damaged on the way."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import records
import testing

from qudnn.custom_ops import plans

COUNT = 3


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    plans.clear()
    yield
    plans.clear()  # imported plans stay in the process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = testing.Store(str(tmp_path / "plans"))
    for number in range(COUNT):
        store.write(records.numbered(number))
    return tmp_path / "plans"


@pytest.fixture
def archive(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "all.plans"
    assert plans.export(path, folder) == COUNT
    return path


def numbers(folder: Path) -> list[int]:
    """Which of the records are in a folder; they have to be as they were."""
    stored = testing.Store(str(folder)).list()
    found = sorted(int(fields["plan"]) for fields in stored)
    assert sorted(stored, key=lambda fields: int(fields["plan"])) == [records.numbered(n) for n in found]
    return found


def test_from_folder_to_folder(archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "another" / "machine"
    assert plans.import_(archive, target) == (COUNT, 0)
    assert numbers(target) == list(range(COUNT))
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert plans.import_(archive, target) == (COUNT, 0)
    assert plans.statistics()["disk_writes"] == 2 * COUNT


def test_an_imported_plan_is_found_without_a_folder(archive: Path) -> None:
    cache = testing.StoredCache(9, "")
    assert cache.import_file(str(archive)) == (COUNT, 0)

    def never() -> records.Fields:
        raise AssertionError("built again")

    assert cache.get(records.numbered(1), never) == records.numbered(1)
    assert cache.statistics()["disk_hits"] == 1


def test_import_keeps_what_is_better(tmp_path: Path, archive: Path) -> None:
    guesses, target = tmp_path / "guesses", tmp_path / "target"
    testing.Store(str(guesses)).write(records.numbered(1, tuned=False, microseconds=99.0))
    plans.export(tmp_path / "guesses.plans", guesses)
    plans.import_(archive, target)
    assert plans.import_(tmp_path / "guesses.plans", target) == (1, 0)
    assert numbers(target) == list(range(COUNT))


def test_nothing_to_export(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", ""):
        with pytest.raises(ValueError, match="there are no plans to export"):
            plans.export(tmp_path / "none.plans", folder)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_import(tmp_path: Path) -> None:
    (tmp_path / "none.plans").write_bytes(archive_of())
    assert plans.import_(tmp_path / "none.plans", tmp_path / "target") == (0, 0)
    assert not (tmp_path / "target").exists()


def test_export_replaces_a_file_whole(
    archive: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    assert plans.export(archive.name, folder) == COUNT
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_export_keeps_the_mode_of_a_file_and_follows_a_link(
    archive: Path, folder: Path, tmp_path: Path
) -> None:
    content = archive.read_bytes()
    archive.write_bytes(b"before")
    archive.chmod(0o640)
    (tmp_path / "link").symlink_to(archive)
    assert plans.export(tmp_path / "link", folder) == COUNT
    assert (tmp_path / "link").is_symlink()
    assert sorted(archive.read_bytes()) == sorted(content)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o640


def test_files_that_cannot_be(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        plans.import_(tmp_path / "absent", tmp_path)
    with pytest.raises(OSError, match="cannot"):
        plans.import_(tmp_path, tmp_path)
    with pytest.raises(OSError, match="No such file"):
        plans.export(tmp_path / "absent" / "file", tmp_path / "plans")
    with pytest.raises(OSError, match="cannot"):
        plans.import_(archive, archive / "folder")
    (tmp_path / "letter").write_text("Dear plans,")
    with pytest.raises(ValueError, match="not a file of exported plans"):
        plans.import_(tmp_path / "letter", tmp_path)


def archive_of(*entries: bytes) -> bytes:
    """An exported file of these records, whatever they are."""
    return b"qudnnarc\x01\0\0\0" + b"".join(len(entry).to_bytes(8, "little") + entry for entry in entries)


def test_a_pipe(archive: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = archive.read_bytes()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(pipe.write_bytes, content)
        assert plans.import_(pipe, tmp_path / "target") == (COUNT, 0)
        writing.result()
        reading = pool.submit(pipe.read_bytes)
        assert plans.export(pipe, tmp_path / "target") == COUNT
        assert sorted(reading.result()) == sorted(content)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_files_that_are_too_large(tmp_path: Path) -> None:
    letter, archive = tmp_path / "letter", tmp_path / "archive"
    letter.write_text("Dear plans,")
    os.truncate(letter, 6 << 30)  # of which nothing but the beginning is read
    with pytest.raises(ValueError, match="not a file of exported plans"):
        plans.import_(letter, "")
    archive.write_bytes(archive_of())
    os.truncate(archive, (1 << 30) + 1)
    with pytest.raises(ValueError, match="too large for exported plans"):
        plans.import_(archive, "")


def test_a_plan_that_could_not_be_read_back_is_not_imported(tmp_path: Path) -> None:
    large = testing.encode(records.record(serialized=bytes(64 << 20)))
    good = testing.encode(records.numbered(1))
    (tmp_path / "archive").write_bytes(archive_of(large, good))
    assert plans.import_(tmp_path / "archive", tmp_path / "target") == (1, 1)
    assert numbers(tmp_path / "target") == [1]


def test_a_bad_record_hides_no_other(tmp_path: Path) -> None:
    bad = records.sealed(b"\x01\0\0\0\xff" + records.body(testing.encode(records.numbered(9)))[5:])
    good = [testing.encode(records.numbered(number)) for number in range(3)]
    # A length that is wrong, or none, or of what looks like a record.
    for rubbish in (bad, b"", b"\0" * 7, b"qudnnpln" * 5, b"\xff" * 100):
        entries = archive_of(good[0]) + rubbish + archive_of(rubbish, good[1], bad, good[2])[12:]
        (tmp_path / "archive").write_bytes(entries)
        target = tmp_path / rubbish[:9].hex() / "target"
        imported, rejected = plans.import_(tmp_path / "archive", target)
        assert (imported, numbers(target)) == (3, [0, 1, 2])
        assert rejected >= 2


def test_rubbish_that_looks_like_many_records_ends(tmp_path: Path) -> None:
    """Each claims to be all that follows: to look at all of it for each would take hours."""
    size = 30_000
    length = 40_000 - 52  # more than there is before the last
    head = (length + 52).to_bytes(8, "little") + b"qudnnpln\x01\0\0\0" + length.to_bytes(8, "little")
    (tmp_path / "archive").write_bytes(archive_of() + head * size)
    assert plans.import_(tmp_path / "archive", "")[0] == 0


def survive(archive: Path, damaged: bytes, target: Path) -> list[int]:
    """Imports a damaged file; which records came through."""
    archive.write_bytes(damaged)
    try:
        imported, rejected = plans.import_(archive, target)
    except ValueError:
        imported, rejected = 0, COUNT
    found = numbers(target)
    assert len(found) == imported
    assert imported < COUNT
    assert rejected > 0 or len(damaged) < 1000
    for path in target.glob("*"):
        path.unlink()
    return found


def test_damage_costs_only_what_it_hits(archive: Path, tmp_path: Path) -> None:
    good = archive.read_bytes()
    for index in range(len(good)):
        damaged = good[:index] + bytes([good[index] ^ 0xFF]) + good[index + 1 :]
        found = survive(archive, damaged, tmp_path / "target")
        assert len(found) == (0 if index < 12 else COUNT - 1)


def test_truncated(archive: Path, tmp_path: Path) -> None:
    good = archive.read_bytes()
    for size in range(len(good)):
        survive(archive, good[:size], tmp_path / "target")


def test_plans_stored_as_people_read_them(folder: Path) -> None:
    store = testing.Store(str(folder))
    store.write(records.record(tuned=False))
    (folder / "letter.plan").write_text("not a plan")
    stored = plans.stored(folder)
    assert len(stored) == COUNT + 1
    (info,) = (info for info in stored if info["problem"] == records.PROBLEM)
    assert set(info) == set(plans.PlanInfo.__annotations__)
    assert info["source"] == "heuristic"
    assert info["tops"] == pytest.approx(2 * 64 * 1000 * 2048 / 12.5 / 1e6)
    assert info["age_seconds"] > 0
    assert {other["source"] for other in stored if other is not info} == {"tuned"}
    assert {other["tops"] for other in stored if other is not info} == {0}  # "problem 1" multiplies nothing
    assert plans.stored(folder / "absent") == []


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_CACHE_DIR", str(tmp_path / "own"))
    assert plans.default_cache_dir() == str(tmp_path / "own")
    assert list(plans.stored()) == []
    monkeypatch.setenv("QUDNN_CACHE_DIR", "")
    assert plans.default_cache_dir() == ""
    monkeypatch.delenv("QUDNN_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert plans.default_cache_dir() == str(tmp_path / "qudnn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert plans.default_cache_dir() == str(tmp_path / ".cache" / "qudnn")
