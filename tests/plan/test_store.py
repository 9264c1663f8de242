"""A folder of plans: private, written whole, and nothing in it is trusted without a look."""

import os
import pickle
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import records
import testing


def environment() -> dict[str, str]:
    """In which programs import what tests do."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "qudnn"


@pytest.fixture
def store(folder: Path) -> testing.Store:
    return testing.Store(str(folder))


@pytest.fixture
def path(store: testing.Store) -> Path:
    """The file of a record that is stored."""
    store.write(records.record())
    return Path(store.path(records.key()))


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """New files are for everybody, if nobody sees to it."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_is_written_is_read(store: testing.Store, folder: Path) -> None:
    assert store.read(records.key()) is None
    assert store.list() == []
    stored = [records.numbered(number) for number in range(3)]
    assert all(store.write(fields) for fields in stored)
    assert [store.read(fields) for fields in stored] == stored
    assert sorted(store.list(), key=lambda fields: str(fields["plan"])) == stored
    assert {str(path) for path in folder.iterdir()} == {store.path(fields) for fields in stored}
    assert testing.decode(Path(store.path(stored[0])).read_bytes()) == stored[0]


def test_every_field_of_the_key_counts(store: testing.Store) -> None:
    store.write(records.record())
    for name, value in records.key().items():
        changed = records.key() | {name: value + 1 if isinstance(value, int) else value + "x"}
        assert store.path(changed) != store.path(records.key())
        assert store.read(changed) is None


@pytest.mark.usefixtures("_open_umask")
def test_files_and_folders_are_private(store: testing.Store, folder: Path) -> None:
    store.write(records.record())
    assert stat.S_IMODE(Path(store.path(records.key())).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_tuned_plan_is_not_replaced_by_a_guess(store: testing.Store) -> None:
    guess, better = records.record(tuned=False, plan="guess"), records.record(plan="better")
    for fields, written in ((guess, True), (guess, True), (better, True), (guess, False), (better, True)):
        assert store.write(fields) == written
    assert store.read(records.key()) == better


def test_a_damaged_file_is_replaced_by_a_guess(store: testing.Store, path: Path) -> None:
    path.write_bytes(b"damage")
    assert store.write(records.record(tuned=False))
    assert store.read(records.key()) == records.record(tuned=False)


def refuse(store: testing.Store, reason: str | None = None) -> None:
    with pytest.raises(testing.BadRecord, match=reason):
        store.read(records.key())
    assert store.list() == []


def test_a_file_of_another_key(store: testing.Store, path: Path) -> None:
    for name, value in records.key().items():
        other = records.record() | {name: value + 1 if isinstance(value, int) else value + "x"}
        path.write_bytes(testing.encode(other))
        refuse(store, "of another problem, GPU or version")


def test_a_link_is_not_followed(store: testing.Store, path: Path, tmp_path: Path) -> None:
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    refuse(store)
    assert store.write(records.record(plan="new"))
    assert not path.is_symlink()
    assert testing.decode((tmp_path / "elsewhere").read_bytes())["plan"] == records.record()["plan"]


def test_a_file_that_anyone_may_write(store: testing.Store, path: Path) -> None:
    path.chmod(0o606)
    refuse(store, "anyone may write")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user(store: testing.Store, path: Path) -> None:
    os.chown(path, 12345, -1)
    refuse(store, "another user's file")


def test_what_is_no_file(store: testing.Store, path: Path) -> None:
    path.unlink()
    path.mkdir()
    refuse(store)
    with pytest.raises(Exception, match="cannot write"):
        store.write(records.record())
    path.rmdir()
    os.mkfifo(path)
    refuse(store, "not a regular file")  # and does not wait for someone to write into it


def test_a_file_of_any_size(store: testing.Store, path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)
    refuse(store, "too large for a plan")


def test_what_was_left_out_is_told(store: testing.Store, folder: Path) -> None:
    files = []
    for number in range(5):
        store.write(records.numbered(number))
        files.append(Path(store.path(records.numbered(number))))
    files[0].write_bytes(b"damage")
    files[1].chmod(0o606)
    files[2].unlink()
    files[2].symlink_to(files[3])
    files[4].write_bytes(files[3].read_bytes())
    (folder / "letter.plan").write_text("no plan's name, none of ours")
    assert store.list() == [records.numbered(3)]
    assert dict(store.left_out()) == {
        files[0].name: "not a plan of qudnn",
        files[1].name: "a file that anyone may write",
        files[2].name: "Too many levels of symbolic links",
        files[4].name: "of another problem, GPU or version",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(store: testing.Store, path: Path) -> None:
    path.parent.chmod(0)
    try:
        with pytest.raises(OSError, match="cannot read"):
            store.list()
    finally:
        path.parent.chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_that_a_group_shares(store: testing.Store, path: Path) -> None:
    """Another member's file counts, and what is written is for the members."""
    folder = path.parent
    os.chown(path, 12345, os.getegid())
    path.chmod(0o640)
    refuse(store, "another user's file")
    for mode in (0o770, 0o2750, 0o2777):  # of no group's files, not to be written to, to be written to by all
        folder.chmod(mode)
        refuse(store, "another user's file")
    folder.chmod(0o2770)
    assert store.read(records.key()) == records.record()
    assert store.left_out() == []
    before = os.umask(0o077)
    store.write(records.record(plan="new"))
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    os.chown(path, 12345, 54321)
    refuse(store, "another user's file")  # of whoever is in that group


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_a_group_of_others(store: testing.Store, path: Path) -> None:
    os.chown(path.parent, -1, 54321)
    path.parent.chmod(0o2770)
    os.chown(path, 12345, 54321)
    refuse(store, "another user's file")


def test_clear_deletes_plans_and_nothing_else(store: testing.Store, folder: Path) -> None:
    assert store.clear() == 0
    for number in range(3):
        store.write(records.numbered(number))
    foreign = {
        "tax.plan": b"mine",
        "0" * 40 + ".plan": b"an engine of TensorRT, whose name is a hash",
        "a" * 39 + ".plan": Path(store.path(records.numbered(0))).read_bytes(),
        ".draft.aside": b"mine",
        ".1-2-3.aside": b"mine",
        ".1-2-4.aside": b"qudnnpln, and another process writes it",
    }
    for name, content in foreign.items():
        (folder / name).write_bytes(content)
        if name == ".1-2-3.aside":
            os.utime(folder / name, (time.time() - 7200,) * 2)
    (folder / ("b" * 40 + ".plan")).mkdir()
    (folder / ".1-2-5.aside").write_bytes(b"qudnnpln, abandoned")
    os.utime(folder / ".1-2-5.aside", (time.time() - 7200,) * 2)
    assert store.clear() == 3
    assert {path.name for path in folder.iterdir()} == {*foreign, "b" * 40 + ".plan"}


def test_clearing_does_not_disturb_who_writes(store: testing.Store, folder: Path) -> None:
    """Files that are being written are not taken for abandoned ones."""
    fields: Any = [records.numbered(number, serialized=bytes(50_000)) for number in range(300)]
    program = (
        f"import testing; s = testing.Store({str(folder)!r})\n"
        f"import sys, pickle; [s.write(f) for f in pickle.load(sys.stdin.buffer)]"
    )
    writer = subprocess.Popen([sys.executable, "-P", "-c", program], stdin=subprocess.PIPE, env=environment())
    assert writer.stdin is not None
    writer.stdin.write(pickle.dumps(fields))
    writer.stdin.close()
    while writer.poll() is None:
        store.clear()
    assert writer.returncode == 0


def test_other_files_in_the_folder_are_left_alone(store: testing.Store, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "README").write_text("not a plan")
    (folder / "letter.plan").write_text("nor this")
    store.write(records.record())
    (folder / "copy.plan").write_bytes(Path(store.path(records.key())).read_bytes())
    assert store.list() == [records.record()]
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("obstacle", ["file", "link"])
def test_a_folder_that_cannot_be(tmp_path: Path, obstacle: str) -> None:
    if obstacle == "file":
        (tmp_path / "file").write_text("")
    else:
        (tmp_path / "file").symlink_to(tmp_path / "nowhere" / "at" / "all")
    store = testing.Store(str(tmp_path / "file"))
    assert store.read(records.key()) is None
    assert store.list() == []
    with pytest.raises(Exception, match="cannot"):
        store.write(records.record())


def test_what_was_abandoned_is_swept(folder: Path) -> None:
    """By the first write of a process, hence by one of its own."""
    folder.mkdir(parents=True)
    old, new = folder / ".1-2-3.aside", folder / ".1-2-4.aside"
    empty, mine, foreign = folder / ".1-2-5.aside", folder / ".notes.aside", folder / ".1-2-6.aside"
    for path in (old, new, empty, mine, foreign):
        path.write_bytes(b"" if path is empty else b"mine" if path is foreign else b"qudnnpln\x01")
    for path in (old, empty, mine, foreign):
        os.utime(path, (time.time() - 7200,) * 2)
    fields: Any = records.record()
    program = f"import testing; testing.Store({str(folder)!r}).write({fields!r})"
    subprocess.run([sys.executable, "-P", "-c", program], check=True, env=environment())
    assert {path.name for path in folder.glob(".*")} == {new.name, mine.name, foreign.name}
    assert len(list(folder.glob("*.plan"))) == 1
