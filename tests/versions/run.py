"""Runs probe.py in the environment of a version of onnxruntime."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from versions import environments

_PROBE = Path(__file__).with_name("probe.py")


class Outcome(NamedTuple):
    """What one model gives in one version.

    original, converted: what onnxruntime says where it does not open or run the model in this form, else "".
    different, of: how many elements of the results differ, and how many there are.
    """

    name: str
    original: str
    converted: str
    different: int
    of: int


def outcomes(version: str, folder: Path, names: Sequence[str] = ()) -> list[Outcome]:
    """The models of these names in the folder, or all, in this version."""
    # Isolated: no package of this environment is to be seen in that one.
    command = [os.fspath(environments.python(version)), "-I", os.fspath(_PROBE), os.fspath(folder), *names]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"onnxruntime {version} ended with {result.returncode}: {result.stderr[-2000:]}")
    return [Outcome(**json.loads(line)) for line in result.stdout.splitlines()]
