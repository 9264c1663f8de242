"""A temporary folder goes with its owner, and with a process that has no time to tidy up."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from qudnn.converter.io import scratch

PROGRAM = """
import sys, tempfile, time
from pathlib import Path
from qudnn.converter.io import scratch

class Owner: pass

tempfile.tempdir = sys.argv[1]
owner = Owner()
Path(scratch.folder_of(owner), "weights").write_bytes(bytes(1000))
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
"""


class Owner:
    pass


def is_empty_soon(folder: Path) -> bool:
    """Deleting is another process's work."""
    for _ in range(300):
        if not list(folder.iterdir()):
            return True
        time.sleep(0.1)
    return False


def test_it_goes_with_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    owner = Owner()
    path = Path(scratch.folder_of(owner))
    assert path.parent == tmp_path
    assert path.stat().st_mode & 0o777 == 0o700
    (path / "weights").write_bytes(b"many")
    other = Owner()
    assert Path(scratch.folder_of(other)) != path
    del owner
    assert [found.name for found in tmp_path.iterdir()] != []
    assert not path.exists()
    del other
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, None])
def test_it_goes_with_the_process(tmp_path: Path, number: signal.Signals | None) -> None:
    command = [sys.executable, "-P", "-c", PROGRAM, str(tmp_path), "60" if number else "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    if number:
        assert len(list(tmp_path.glob("qudnn-*/weights"))) == 1
        process.send_signal(number)
    process.communicate(timeout=60)
    assert is_empty_soon(tmp_path)


def test_it_goes_with_its_owner_where_no_other_process_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "absent"))
    owner = Owner()
    assert Path(scratch.folder_of(owner)).is_dir()
    del owner
    assert list(tmp_path.iterdir()) == []
