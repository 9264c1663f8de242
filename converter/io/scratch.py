"""Temporary folders: for the time of a block, or as long as an object lives, however the process ends."""

import secrets
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_in_use: set[Path] = set()  # by blocks

# Ends when the other end of its standard input is closed, which the end of that process does.
_CLEANER = """
import shutil, signal, sys
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, signal.SIG_IGN)
sys.stdin.buffer.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@contextmanager
def folder_in(parent: Path) -> Iterator[Path]:
    """A new folder in parent for the time of the block, however that ends.

    Its name is short: that of a file in it may be as long as the system allows.
    """
    folder = parent / f".{_new_name()}"
    _in_use.add(folder)  # before it is made: a signal may come at any time
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _in_use.discard(folder)


def delete_all() -> None:
    """Delete the folders of all blocks, though other threads may go on writing into them."""
    for folder in list(_in_use):
        aside = folder.with_name(f"{folder.name}-")
        with suppress(OSError):  # it may not be made yet
            folder.rename(aside)  # so that a thread that goes on writing does not find it
        for path in (aside, folder):
            shutil.rmtree(path, ignore_errors=True)


def folder_of(owner: object) -> str:
    """A new folder, deleted with its owner, or with the process.

    A process that is ended by a signal runs no finalizers: another one waits for that and deletes it.
    Raises OSError where no folder can be made.
    """
    path = str(Path(tempfile.gettempdir(), _new_name()))
    weakref.finalize(owner, shutil.rmtree, path, ignore_errors=True)
    with suppress(OSError):  # as where Python is part of another program
        cleaner = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CLEANER, path], stdin=subprocess.PIPE, start_new_session=True
        )
        weakref.finalize(owner, _end, cleaner)
    Path(path).mkdir(mode=0o700)
    return path


def _end(cleaner: "subprocess.Popen[bytes]") -> None:
    if cleaner.stdin is not None:
        cleaner.stdin.close()
    cleaner.wait()


def _new_name() -> str:
    return f"qudnn-{secrets.token_hex(8)}"
