"""Writing files: whole or not at all, and never in the place of what is no file.

What is written to a path goes where its links lead. A regular file appears whole, with the mode of the one
that it replaces; a device or a pipe is written through. The name "-" is standard output.
"""

import os
import stat
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from qudnn.converter.io import scratch

StrPath = str | os.PathLike[str]

STANDARD = "-"

_moving = threading.Lock()


def name(path: StrPath, standard: str) -> str:
    """The path for messages; of "-" what it stands for, standard "input" or "output"."""
    return f"standard {standard}" if os.fspath(path) == STANDARD else os.fspath(path)


def is_standard(target: StrPath) -> bool:
    """Whether target is standard output, by "-" or another name: nothing else is to be written there."""
    if os.fspath(target) == STANDARD:
        return True
    status = _status(target)
    try:
        return status is not None and os.path.samestat(status, os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):  # it is closed, or no file at all
        return False


def is_file(target: StrPath) -> bool:
    """Whether target is a regular file, or will be one: all else takes a single stream of bytes."""
    if os.fspath(target) == STANDARD:
        return False
    status = _status(target)
    return status is None or stat.S_ISREG(status.st_mode)


def real(target: StrPath) -> Path:
    """The file that a target's path leads to."""
    return Path(os.path.realpath(target))


def problem(target: StrPath) -> str | None:
    """Why target cannot be written, as far as can be told before; None where nothing is in the way."""
    if os.fspath(target) == STANDARD:
        return None
    try:
        if stat.S_ISDIR(Path(target).stat().st_mode):
            return "it is a folder"
    except FileNotFoundError:
        parent = real(target).parent if Path(target).is_symlink() else Path(target).parent
        return None if parent.is_dir() else f"there is no folder {parent}"
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    return None if os.access(target, os.W_OK) else "it may not be written"


def write(target: StrPath, data: bytes) -> None:
    """Write a file, device, pipe or, for "-", standard output. Raises OSError."""
    if os.fspath(target) == STANDARD:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif is_file(target):
        path = real(target)
        with aside(path, [path.name]) as folder:
            (folder / path.name).write_bytes(data)
    else:
        with Path(target).open("wb") as stream:
            stream.write(data)


@contextmanager
def aside(target: Path, names: Sequence[str]) -> Iterator[Path]:
    """A folder in which to write files of these names, as far as there are any; then they move beside target.

    They move when all are complete, in this order. target is a real path. Raises OSError.
    """
    with scratch.folder_in(target.parent) as folder:
        yield folder
        written = [folder / name for name in names if (folder / name).exists()]
        for path in written:
            _keep_mode(path, target.parent / path.name)
            _flush(path)
        with _moving:
            for path in written:
                path.replace(target.parent / path.name)
        _flush(target.parent)


def tidy() -> None:
    """Delete all scratch folders: for a process that is about to end, whatever its other threads are doing.

    A move that has begun is done first, and none begins any more.
    """
    _moving.acquire()
    scratch.delete_all()


def _status(path: StrPath) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except (OSError, ValueError):  # a path with a null character, too
        return None


def _keep_mode(path: Path, replaced: Path) -> None:
    """Give path the mode of the file that it is about to replace and, as far as allowed, its owner."""
    status = _status(replaced)
    if status is None:
        return
    with suppress(OSError):
        os.chown(path, status.st_uid, status.st_gid)
    path.chmod(status.st_mode & 0o777)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
