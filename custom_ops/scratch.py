"""A temporary folder that goes however the process ends."""

import secrets
import shutil
import subprocess
import sys
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

# Ends when the other end of its standard input is closed, which the end of that process does.
_CLEANER = """
import shutil, signal, sys
for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, signal.SIG_IGN)
sys.stdin.buffer.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


def folder(owner: object) -> str:
    """A new folder, deleted with its owner, or with the process.

    A process that is ended by a signal runs no finalizers: another one waits for that and deletes it.
    Raises OSError where no folder can be made.
    """
    path = str(Path(tempfile.gettempdir(), f"qudnn-{secrets.token_hex(8)}"))
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
