"""What a result was measured on."""

import platform
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from qudnn.custom_ops import cuda, nvml
from qudnn.custom_ops.measuring import machine


def test_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "driver_present", lambda: False)
    found = machine.describe()
    assert found.pop("processor")
    assert found == {"python": platform.python_version(), "onnxruntime": onnxruntime.__version__}
    assert machine.gpu_memory_mb() >= 0


def test_with_a_gpu(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = (nvml.Gpu("NVIDIA RTX A6000/B", (8, 6), 1), nvml.Gpu("NVIDIA L4", (8, 9), 1))
    monkeypatch.setattr(nvml, "ask", lambda: nvml.Answer("580.1", gpus))
    monkeypatch.setattr(cuda, "cudnn_version", lambda: "9.19.0")
    found = machine.describe()
    assert (found["gpu"], found["driver"], found["cudnn"]) == ("NVIDIA RTX A6000/B", "580.1", "9.19.0")
    assert machine.slug() == "nvidia-rtx-a6000-b"


def test_commits(tmp_path: Path) -> None:
    assert machine.commit(tmp_path) == "unknown"

    def git(*arguments: str) -> str:
        own = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        return subprocess.run(
            ["git", *own, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-q", "-m", "a")
    assert machine.commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "a").write_text("b")
    assert machine.commit(tmp_path) == git("rev-parse", "HEAD") + "+"


def test_the_commit_of_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of a tree in which it is installed."""
    monkeypatch.setattr(machine, "commit", lambda root: f"of {root.name}")
    (tmp_path / ".git").mkdir()
    package = tmp_path / "site" / "qudnn"
    monkeypatch.setattr(machine, "__file__", str(package / "custom_ops" / "measuring" / "machine.py"))
    assert machine.own_commit() == "unknown"
    monkeypatch.setattr(machine, "__file__", str(tmp_path / "custom_ops" / "measuring" / "machine.py"))
    assert machine.own_commit() == f"of {tmp_path.name}"


IN_A_PROCESS = """
import numpy as np
from qudnn.custom_ops.measuring import machine

machine.forget_peak()
before = machine.process_memory_mb()
np.ones(64 << 20, np.uint8)
print(machine.peak_memory_mb() - before, machine.process_memory_mb() - before)
machine.forget_peak()
print(machine.peak_memory_mb() - before)
"""


def test_peaks() -> None:
    """64 MB that were in use for a while are in the peak, until it is forgotten."""
    command = [sys.executable, "-P", "-c", IN_A_PROCESS]  # that of the tests may have memory to spare
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, after, forgotten = map(float, ran.stdout.split())
    assert peak > 60
    assert after < 60
    assert forgotten < 60
