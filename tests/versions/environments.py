"""An environment for each version of onnxruntime: its wheel for the CPU, and numpy.

python tests/versions/environments.py [--tested | VERSION ...]    makes those that are not there yet
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2] / ".venv-onnxruntime"

# The last of each minor version that there is for Python 3.11, from the oldest that converted models open in.
VERSIONS = (
    "1.18.1", "1.19.2", "1.20.1", "1.21.1", "1.22.1", "1.23.2", "1.24.4", "1.25.1", "1.26.0", "1.27.0",
    "1.28.0", "1.29.0", "1.30.0", "1.31.1", "1.32.0",
)  # fmt: skip

TESTED = (VERSIONS[0], "1.22.1", "1.24.4", VERSIONS[-1])  # by tests/test_versions.py


def python(version: str) -> Path:
    """The interpreter with this version of onnxruntime; its environment is made where there is none.

    Raises RuntimeError, with what pip said, where the packages cannot be had.
    """
    return made(version, [f"onnxruntime=={version}", "numpy<2" if version < "1.19" else "numpy"])


def made(name: str, packages: list[str]) -> Path:
    """The interpreter of the environment of this name, which is made, with these packages, if need be."""
    folder = ROOT / name
    if not folder.exists():
        _make(folder, packages)
    return folder / "bin" / "python"


def _make(folder: Path, packages: list[str]) -> None:
    """Make it aside, so that it is there whole or not at all; its interpreter does not need its name."""
    ROOT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".") as aside:
        made = Path(aside, "environment")
        venv.create(made, with_pip=False, symlinks=True)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        target = ["--python", os.fspath(made / "bin" / "python")]
        install = [*pip, *target, "install", "--no-compile", *packages]
        result = subprocess.run(install, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"pip cannot install {' '.join(packages)}: {result.stderr.strip()[-500:]}")
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # another process was not faster either
                raise


if __name__ == "__main__":
    for version in TESTED if sys.argv[1:] == ["--tested"] else sys.argv[1:] or VERSIONS:
        print(python(version))
