"""What is found on this machine, and on machines where something is made to be missing."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import testing
from disks import run_with_disk

from qudnn import custom_ops
from qudnn.custom_ops import cuda, facts, native, nvml


def test_this_machine() -> None:
    found = facts.gather("")
    assert found.onnxruntime == onnxruntime.__version__
    assert found.providers == tuple(onnxruntime.get_available_providers())
    assert found.library == native.versions()
    assert found.library_path == custom_ops.library_path()
    assert any(name.startswith("onnxruntime") for name in found.distributions)
    assert found.folder == facts.Folder("")
    # The library is asked in another way, and finds none where a test has asked it before cuDNN was loaded.
    if found.cudnn and found.library["cudnn_at_runtime"]:
        assert found.cudnn == found.library["cudnn_at_runtime"]


def test_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "_DRIVER", "libabsent.so.1")
    found = facts.gather("")
    assert (found.has_driver, found.driver, found.driver_cuda, found.gpus) == (False, "", None, ())


def test_with_a_driver(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = nvml.Gpu("NVIDIA L4", (8, 9), 1 << 30)
    monkeypatch.setattr(nvml, "ask", lambda: nvml.Answer("580.1", (gpu,)))
    found = facts.gather("")
    assert (found.has_driver, found.driver, found.driver_cuda, found.gpus) == (True, "580.1", (13, 0), (gpu,))
    assert found.no_device == ""


def test_a_device_is_seen_without_a_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_PCI", tmp_path)
    for number, (vendor, kind) in enumerate([("0x8086", "0x030000"), ("0x10de", "0x040300")]):
        (tmp_path / str(number)).mkdir()  # another maker's GPU; the sound of one of NVIDIA's
        (tmp_path / str(number) / "vendor").write_text(vendor + "\n")
        (tmp_path / str(number) / "class").write_text(kind + "\n")
    (tmp_path / "gone").mkdir()
    assert not facts.gather("").has_device
    (tmp_path / "0" / "vendor").write_text("0x10de\n")
    assert facts.gather("").has_device


def test_a_library_that_is_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(custom_ops, "__path__", [str(tmp_path)])
    found = facts.gather("")
    assert (found.library, found.library_path) == ({}, "")
    assert "libqudnn.so is not in" in found.library_error


def test_a_library_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qudnn.custom_ops.native", None)
    monkeypatch.delattr(custom_ops, "native")
    found = facts.gather("")
    assert found.library == {} and found.library_path
    assert "native" in found.library_error


class Cudnn:
    def cudnnGetVersion(self) -> int:  # noqa: N802
        return 91002


class Runtime:
    def cudaRuntimeGetVersion(self, version: Any) -> int:  # noqa: N802
        version._obj.value = 12080
        return 0

    def cudaMemGetInfo(self, free: Any, total: Any) -> int:  # noqa: N802
        free._obj.value, total._obj.value = 3, 10
        return 0


def test_versions_of_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "cuda_version", "12.8", raising=False)
    libraries = {"libcudnn.so.9": Cudnn(), "libcudart.so.12": Runtime()}
    monkeypatch.setattr(cuda, "_loaded", libraries.get)
    assert (cuda.runtime_version(), cuda.cudnn_version(), cuda.memory_in_use()) == ("12.8", "9.10.2", 7)
    libraries.clear()
    assert (cuda.runtime_version(), cuda.cudnn_version(), cuda.memory_in_use()) == ("", "", None)


def test_cudnn_of_another_major_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libcudnn.so.8").touch()
    (tmp_path / "libcudnn.so.9").touch()
    monkeypatch.setattr(cuda, "_folders", lambda: iter([tmp_path]))
    monkeypatch.setattr(cuda, "_loaded", lambda name: ctypes.CDLL(None) if name == "libcudnn.so.10" else None)
    assert cuda.other_cudnn() == ["libcudnn.so.10", "libcudnn.so.8"]


def test_a_folder_of_plans(tmp_path: Path) -> None:
    key = {"problem": "p", "device": "GPU", "cudnn": "9.0.0", "qudnn": "0.1.0", "engines": "all"}
    plan = {"tuned": True, "engine": "e", "plan": "p", "serialized": b"", "microseconds": 2.0}
    testing.Store(str(tmp_path)).write(
        {**key, "workspace_limit": 0, **plan, "first_plan": "", "first_microseconds": 0.0, "created": 0}
    )
    (tmp_path / ("a" * 40 + ".plan")).write_text("a letter")
    before = sorted(tmp_path.iterdir())
    assert facts.gather(str(tmp_path)).folder == facts.Folder(
        str(tmp_path), "", (("GPU", "9.0.0", "0.1.0"),), {"a" * 40 + ".plan": "not a plan of qudnn"}
    )
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    found = facts.gather(str(tmp_path / "a" / "b")).folder
    assert found == facts.Folder(str(tmp_path / "a" / "b"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").write_text("")
    assert facts.gather(str(tmp_path / "a" / "b")).folder.problem == f"{tmp_path / 'a'} is no folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_folder_of_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert facts.why_not_writable(tmp_path) == "cannot be written to: Permission denied"
        assert "cannot be made" in facts.why_not_writable(tmp_path / "a")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("options", "why"), [("ro", "Read-only file system"), ("size=64k", "No space left on device")]
)
def test_disks(tmp_path: Path, options: str, why: str) -> None:
    program = (
        "from pathlib import Path; from qudnn.custom_ops import facts; import sys\n"
        "print(facts.why_not_writable(Path(sys.argv[1])))"
    )
    out = run_with_disk(tmp_path, options, [sys.executable, "-P", "-c", program, str(tmp_path)])
    assert out == f"cannot be written to: {why}\n"


def test_nothing_is_printed() -> None:
    program = "from qudnn.custom_ops import facts; facts.gather()"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
