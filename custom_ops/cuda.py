"""Finds CUDA's and cuDNN's shared libraries and loads them, so that nobody has to set a library path.

onnxruntime's CUDA provider and libqudnn.so open these libraries by name. A library already in the
process answers to its name, wherever it was loaded from; so each is loaded here from the `nvidia`
packages in any site-packages folder (onnxruntime's and PyTorch's dependencies share them).
onnxruntime.preload_dlls does the same, but looks beside onnxruntime only and prints what it misses.
"""

import ctypes
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import onnxruntime

_DRIVER = "libcuda.so.1"
_CUDNN = "libcudnn.so.9"
_CUFFT = {"12": "11", "13": "12"}  # cuFFT's major version under each of CUDA's
_OPTIONAL = ("libcufft", "libnvrtc")


def driver_present() -> bool:
    """Whether NVIDIA's driver is installed. Without one there is no GPU to use."""
    return _load(_DRIVER)


def driver_version() -> tuple[int, int] | None:
    """The version of CUDA that the driver is for, such as (13, 0); None where it does not say."""
    version = ctypes.c_int()
    try:
        if ctypes.CDLL(_DRIVER).cuDriverGetVersion(ctypes.byref(version)):
            return None
    except (OSError, AttributeError):
        return None
    return version.value // 1000, version.value % 1000 // 10


def load_libraries() -> list[str]:
    """Load what onnxruntime's CUDA provider and qudnn need, in the order of their dependencies.

    Prints nothing and never raises. Returns the names of the needed libraries that were found nowhere.
    """
    folders = list(_folders())
    return [name for name in _names() if not _load_from(name, folders) and not name.startswith(_OPTIONAL)]


def runtime_version() -> str:
    """The version of the CUDA runtime that load_libraries has loaded, `13.0`; empty where there is none."""
    version, runtime = ctypes.c_int(), _runtime()
    if runtime is None or runtime.cudaRuntimeGetVersion(ctypes.byref(version)):
        return ""
    return f"{version.value // 1000}.{version.value % 1000 // 10}"


def cudnn_version() -> str:
    """The version of the cuDNN that is loaded, `9.19.0`; empty where none of the needed major version is."""
    library = _loaded(_CUDNN)
    if library is None:
        return ""
    version = int(library.cudnnGetVersion())
    return f"{version // 10000}.{version // 100 % 100}.{version % 100}"


def other_cudnn() -> list[str]:
    """The libraries of other major versions of cuDNN that lie in packages or are loaded."""
    stem = _CUDNN.rpartition(".")[0]
    lying = {path.name for folder in _folders() for path in folder.glob(f"{stem}.*")}
    loaded = {f"{stem}.{major}" for major in range(7, 13) if _loaded(f"{stem}.{major}") is not None}
    return sorted((lying | loaded) - {_CUDNN})


def memory_in_use() -> int | None:
    """Bytes in use on the process's first GPU, those of other processes too; None where CUDA does not say."""
    free, total, runtime = ctypes.c_size_t(), ctypes.c_size_t(), _runtime()
    if runtime is None or runtime.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)):
        return None
    return total.value - free.value


def _names() -> list[str]:
    version: str | None = getattr(onnxruntime, "cuda_version", None)
    if not version:  # onnxruntime without CUDA
        return []
    major = version.partition(".")[0]
    names = [f"lib{stem}.so.{major}" for stem in ("cudart", "nvrtc", "cublasLt", "cublas")]
    names.append("libcurand.so.10")
    if major in _CUFFT:
        names.append(f"libcufft.so.{_CUFFT[major]}")
    return [*names, _CUDNN]


def _folders() -> Iterator[Path]:
    """The library folders of all `nvidia` packages, in the order of sys.path."""
    try:
        spec = importlib.util.find_spec("nvidia")
    except ValueError:  # something else has put a module of that name there
        spec = None
    for root in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(root).glob("*/lib"))


def _load_from(name: str, folders: list[Path]) -> bool:
    # A second copy under another path would be a second library: take the one in the process first.
    if _load(name, os.RTLD_NOLOAD):
        return True
    return any(_load(str(folder / name)) for folder in folders if (folder / name).is_file()) or _load(name)


def _runtime() -> ctypes.CDLL | None:
    """The CUDA runtime that onnxruntime uses, if it is loaded."""
    return next((_loaded(name) for name in _names() if name.startswith("libcudart")), None)


def _loaded(name: str) -> ctypes.CDLL | None:
    """The library if it is in the process already."""
    try:
        return ctypes.CDLL(name, mode=ctypes.DEFAULT_MODE | os.RTLD_NOW | os.RTLD_NOLOAD)
    except OSError:
        return None


def _load(name: str, flags: int = 0) -> bool:
    try:
        ctypes.CDLL(name, mode=ctypes.DEFAULT_MODE | os.RTLD_NOW | flags)
    except OSError:
        return False
    return True
