"""The C interface from Python: errors with their kinds and messages, bytes of any kind, threads, no leaks."""

import ctypes
import errno
import os
import threading
import time
from pathlib import Path

import pytest
import records
import testing

from no_gpu import why_no_gpu
from qudnn.custom_ops import native
from qudnn.custom_ops.c_interface import Answer, BadRecord, CInterface
from qudnn.custom_ops.location import LIBRARY


def test_an_argument_that_cannot_be_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not the text of a problem: nonsense \N{GREEK SMALL LETTER MU}"):
        native.answers("nonsense \N{GREEK SMALL LETTER MU}")
    with pytest.raises(ValueError, match="has a null character"):
        native.stored_plans("plans\0")


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU")
def test_without_a_gpu_there_are_no_rates() -> None:
    with pytest.raises(RuntimeError, match="CUDA"):
        native.rates()


def test_errors_of_the_system_have_their_number(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as absent:
        native.import_plans(str(tmp_path / "absent"), "")
    assert absent.value.errno == errno.ENOENT
    assert str(tmp_path / "absent") in str(absent.value)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear reader")
    with pytest.raises(BadRecord):
        native.import_plans(str(tmp_path / "letter"), "")
    assert issubclass(BadRecord, ValueError)


def test_a_path_may_have_any_bytes(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b'/\xff"\\\n')
    testing.Store(folder).write(records.record())
    (path,) = Path(folder).iterdir()
    path.write_bytes(b"damage")
    _, left_out = native.stored_plans(folder)
    assert left_out == [(path, "not a plan of qudnn")]


def test_numbers_and_texts_come_as_they_are(tmp_path: Path) -> None:
    record = records.record(
        records.key(device='"\\\N{GREEK SMALL LETTER MU}\n\0\x1f', workspace_limit=2**64 - 1),
        microseconds=0.1 + 0.2,
        first_microseconds=5e-324,
    )
    testing.Store(str(tmp_path)).write(record)
    ((plan,), left_out) = native.stored_plans(str(tmp_path))
    assert left_out == []
    for name in ("device", "workspace_limit", "microseconds", "first_microseconds", "plan"):
        assert plan[name] == record[name]
    assert plan["source"] == "tuned"
    # Trillions of multiplications and additions a second.
    assert plan["tops"] == pytest.approx(2 * 64 * 1000 * 2048 / record["microseconds"] / 1e6)


def test_an_exported_file_is_bytes(tmp_path: Path) -> None:
    testing.Store(str(tmp_path / "plans")).write(records.record())
    content, count = native.export_plans(str(tmp_path / "plans"))
    assert count == 1
    assert records.record()["serialized"] in content
    (tmp_path / "file").write_bytes(content)
    assert native.import_plans(str(tmp_path / "file"), str(tmp_path / "others")) == (1, 0)


def test_other_threads_run_while_the_library_works(tmp_path: Path) -> None:
    """It waits in a callback's thread, so the lock of the interpreter is free."""
    cache, release, ran = testing.StringCache(2), threading.Event(), []
    waiter = threading.Thread(target=lambda: ran.append(cache.get("a", lambda: str(release.wait(30)))))
    follower = threading.Thread(target=lambda: ran.append(cache.get("a", str)))  # waits inside the library
    waiter.start()
    while cache.statistics()["misses"] < 1:
        time.sleep(0.001)
    follower.start()
    while cache.statistics()["hits"] < 1:
        time.sleep(0.001)
    assert ran == []
    release.set()
    for thread in (waiter, follower):
        thread.join(30)
    assert ran == ["True", "True"]


def test_answers_are_released(tmp_path: Path) -> None:
    """Of calls that work and of calls that fail: 800 MB would be seen."""
    testing.Store(str(tmp_path)).write(records.record(serialized=bytes(1 << 20)))
    before = resident()
    for _ in range(400):
        native.export_plans(str(tmp_path))
        with pytest.raises(ValueError, match="not the text"):
            native.answers("x" * (1 << 20))
    assert resident() - before < 100 << 20


def resident() -> int:
    """Bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_released_answer_is_empty() -> None:
    library, answer = CInterface(LIBRARY).library, Answer()
    assert library.qudnn_versions(ctypes.byref(answer)) == 0
    assert answer.size == len(answer.content()) > 10
    for _ in range(2):
        library.qudnn_release(ctypes.byref(answer))
        assert (answer.text, answer.size) == (None, 0)


def test_a_library_that_is_not_there_or_none_of_ours() -> None:
    with pytest.raises(ImportError, match=r"libnothing\.so is not in "):
        CInterface("libnothing.so")
