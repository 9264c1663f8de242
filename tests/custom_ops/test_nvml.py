"""What NVIDIA's management library is asked, with one that answers as on a machine with GPUs."""

import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from qudnn.custom_ops import nvml


class Library:
    """Answers for these GPUs: names, capabilities, bytes."""

    def __init__(self, gpus: list[nvml.Gpu], status: int = 0) -> None:
        self.gpus = gpus
        self.status = status
        self.is_shut_down = False

    def __getattr__(self, name: str) -> Callable[..., int]:
        def answer(*arguments: Any) -> int:
            return int(getattr(self, "_" + name)(*arguments) or 0)

        if not hasattr(type(self), "_" + name):
            raise AttributeError(name)
        return answer

    def _nvmlInit_v2(self) -> int:  # noqa: N802
        return self.status

    def _nvmlShutdown(self) -> None:  # noqa: N802
        self.is_shut_down = True

    def _nvmlSystemGetDriverVersion(self, text: Any, length: Any) -> None:  # noqa: N802
        text.value = b"580.65.06"

    def _nvmlDeviceGetCount_v2(self, count: Any) -> None:  # noqa: N802
        count._obj.value = len(self.gpus)

    def _nvmlDeviceGetHandleByIndex_v2(self, index: Any, device: Any) -> None:  # noqa: N802
        device._obj.value = index.value + 1

    def _nvmlDeviceGetName(self, device: Any, text: Any, length: Any) -> None:  # noqa: N802
        assert length.value <= len(text)
        text.value = self.gpus[device.value - 1].name.encode()

    def _nvmlDeviceGetCudaComputeCapability(self, device: Any, major: Any, minor: Any) -> None:  # noqa: N802
        major._obj.value, minor._obj.value = self.gpus[device.value - 1].capability

    def _nvmlDeviceGetMemoryInfo(self, device: Any, memory: Any) -> None:  # noqa: N802
        memory._obj.total = self.gpus[device.value - 1].memory


GPUS = [nvml.Gpu("NVIDIA L4", (8, 9), 24 << 30), nvml.Gpu("NVIDIA H200", (9, 0), 140 << 30)]


def test_all_gpus_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(GPUS)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    assert nvml.ask() == nvml.Answer("580.65.06", tuple(GPUS))
    assert library.is_shut_down
    assert str(GPUS[0]) == "NVIDIA L4, compute capability 8.9, 24 GiB"


def test_a_library_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library(GPUS, status=9))
    assert nvml.ask() is None


def test_no_library_and_a_foreign_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "_LIBRARY", "libabsent.so.1")
    assert nvml.ask() is None
    monkeypatch.setattr(nvml, "_LIBRARY", "libc.so.6")  # has none of the functions
    assert nvml.ask() is None
