"""`make sanitize` as far as a machine without a GPU can show it: it starts, and says what it lacks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sanitize
from no_gpu import why_no_gpu

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU")
def test_it_says_that_there_is_no_gpu() -> None:
    recipe = re.search(
        r"^\tPYTHONPATH=(\S+) .* (tests/sanitize\.py) ", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    assert recipe
    path = os.pathsep.join([recipe[1], os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [sys.executable, "-P", recipe[2], "build/dev/kernel_benchmark"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"make sanitize needs a GPU: {why_no_gpu()}\n"


def test_what_it_runs_exists() -> None:
    commands = dict.fromkeys(tuple(command) for _, command in sanitize.runs("kernel_benchmark"))
    options = ("--quick", "--untimed")
    assert ("kernel_benchmark", *options) in commands
    benchmark = (ROOT / "benchmarks" / "kernels" / "kernels.cu").read_text()
    assert all(f'"{option}"' in benchmark for option in options)
    for path in sanitize.SESSIONS:
        assert "pytest.mark.gpu" in (ROOT / path).read_text(), path
