"""What NVIDIA's management library, which comes with the driver, says of the GPUs; CUDA is not started."""

import ctypes
from typing import Any, NamedTuple

_LIBRARY = "libnvidia-ml.so.1"
_LONGEST = 96  # bytes of a text, NVML_DEVICE_NAME_V2_BUFFER_SIZE


class Gpu(NamedTuple):
    """capability: compute capability, (9, 0). memory: bytes."""

    name: str
    capability: tuple[int, int]
    memory: int

    def __str__(self) -> str:
        major, minor = self.capability
        return f"{self.name}, compute capability {major}.{minor}, {self.memory / 2**30:.0f} GiB"


class Answer(NamedTuple):
    """driver: its version, such as 580.159.04."""

    driver: str
    gpus: tuple[Gpu, ...]


class _Memory(ctypes.Structure):
    """nvmlMemory_t."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def ask() -> Answer | None:
    """The driver and all GPUs, hidden ones too; None where there is no driver, or it does not answer."""
    try:
        nvml = ctypes.CDLL(_LIBRARY)
        if nvml.nvmlInit_v2():
            return None
        try:
            return Answer(_text(nvml.nvmlSystemGetDriverVersion), tuple(_gpus(nvml)))
        finally:
            nvml.nvmlShutdown()
    except (OSError, AttributeError):  # no library, or one without a function
        return None


def _gpus(nvml: Any) -> list[Gpu]:
    count = ctypes.c_uint()
    if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return []
    gpus = []
    for index in range(count.value):
        device, memory = ctypes.c_void_p(), _Memory()
        major, minor = ctypes.c_int(), ctypes.c_int()
        if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)):
            continue
        nvml.nvmlDeviceGetCudaComputeCapability(device, ctypes.byref(major), ctypes.byref(minor))
        nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory))
        gpus.append(Gpu(_text(nvml.nvmlDeviceGetName, device), (major.value, minor.value), memory.total))
    return gpus


def _text(function: Any, *arguments: Any) -> str:
    buffer = ctypes.create_string_buffer(_LONGEST)
    return (
        "" if function(*arguments, buffer, ctypes.c_uint(_LONGEST)) else buffer.value.decode(errors="replace")
    )
