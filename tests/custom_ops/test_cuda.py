"""CUDA's and cuDNN's libraries are found in any `nvidia` package; where they are not, nothing is printed."""

import ctypes
import shutil
import sys
from pathlib import Path

import onnxruntime
import pytest

from qudnn.custom_ops import cuda

ANY_LIBRARY = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_shared.so"


def mapped() -> str:
    """The files that are mapped into this process."""
    return Path("/proc/self/maps").read_text()


def test_a_library_in_any_nvidia_package_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "nvidia" / "part" / "lib"
    folder.mkdir(parents=True)
    shutil.copy(ANY_LIBRARY, folder / "libqudnn_probe.so.9")
    monkeypatch.setattr(cuda, "_names", lambda: ["libqudnn_probe.so.9"])
    assert cuda.load_libraries() == ["libqudnn_probe.so.9"]

    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    assert cuda.load_libraries() == []
    assert str(folder / "libqudnn_probe.so.9") in mapped()


def test_missing_libraries_are_named_and_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cuda, "_names", lambda: ["libabsent.so.1", "libcufft.so.0", "libc.so.6"])
    assert cuda.load_libraries() == ["libabsent.so.1"]  # cuFFT is optional, the C library is there
    assert capfd.readouterr() == ("", "")


def test_a_damaged_library_counts_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "libdamaged.so.1").write_bytes(b"\x7fELF and then nothing")
    monkeypatch.setattr(cuda, "_names", lambda: ["libdamaged.so.1"])
    monkeypatch.setattr(cuda, "_folders", lambda: iter([tmp_path]))
    assert cuda.load_libraries() == ["libdamaged.so.1"]


@pytest.mark.parametrize(("version", "cufft"), [("12.8", "libcufft.so.11"), ("13.0", "libcufft.so.12")])
def test_names_follow_the_cuda_that_onnxruntime_was_built_with(
    monkeypatch: pytest.MonkeyPatch, version: str, cufft: str
) -> None:
    monkeypatch.setattr(onnxruntime, "cuda_version", version, raising=False)
    names = cuda._names()
    assert cufft in names
    assert f"libcublasLt.so.{version[:2]}" in names
    assert names.index(f"libcublasLt.so.{version[:2]}") < names.index(f"libcublas.so.{version[:2]}")


@pytest.mark.parametrize("version", ["", None])
def test_nothing_is_needed_without_cuda(monkeypatch: pytest.MonkeyPatch, version: str | None) -> None:
    monkeypatch.setattr(onnxruntime, "cuda_version", version, raising=False)
    assert cuda.load_libraries() == []


def test_the_driver_says_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Driver:
        def __init__(self, status: int) -> None:
            self.status = status

        def cuDriverGetVersion(self, version: "ctypes._Pointer[ctypes.c_int]") -> int:  # noqa: N802
            ctypes.cast(version, ctypes.POINTER(ctypes.c_int)).contents.value = 12040
            return self.status

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(0))
    assert cuda.driver_version() == (12, 4)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(1))
    assert cuda.driver_version() is None
    monkeypatch.undo()
    monkeypatch.setattr(cuda, "_DRIVER", str(tmp_path / "absent"))
    assert cuda.driver_version() is None
    assert not cuda.driver_present()
