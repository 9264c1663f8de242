"""Programs that find a disk of another kind in a folder: full, or read-only."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest


def run_with_disk(folder: Path, options: str, command: Sequence[str], prepare: str = "true") -> str:
    """What the command prints that sees a disk with these options of tmpfs in folder, which nobody else sees.

    prepare: a shell command that comes before, and sees the folder as `$0`. Skips the test where the system
    lets nobody mount.
    """
    unshare = ["unshare", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("this system lets no user mount disks")
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && {prepare} && exec "$@"'
    done = subprocess.run(
        [*unshare, "sh", "-c", script, str(folder), *command], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
