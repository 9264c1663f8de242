"""Whether tests can use a GPU; needs nothing of pytest and of the other tests."""

import ctypes
from functools import cache

import onnxruntime

from qudnn import custom_ops


@cache
def why_no_gpu() -> str | None:
    """What the GPU tests lack on this machine; None where they can run."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this onnxruntime has no CUDAExecutionProvider"
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver"
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        return "no CUDA device"
    try:
        custom_ops.library_path()
    except FileNotFoundError:
        return "libqudnn.so is not built"
    return None
