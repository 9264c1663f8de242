"""What is on this machine of all that a session on the GPU needs; checkup.py says whether it fits."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import onnxruntime

from qudnn.custom_ops import cuda, nvml

_PCI = Path("/sys/bus/pci/devices")
_NVIDIA, _DISPLAY = "0x10de", "0x03"  # a vendor; the class of display controllers, GPUs without a screen too
_PROBE = bytes(1 << 20)  # more than most plans have


@dataclass(frozen=True)
class Folder:
    """A folder of plans. path: empty where plans are kept in memory only.

    problem: why plans cannot be written to it; empty where they can. plans: for each plan, the GPU, the
    versions of cuDNN and qudnn that it is for. left_out: files with a plan's name that are none, and why.
    """

    path: str
    problem: str = ""
    plans: tuple[tuple[str, str, str], ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """has_driver: whether NVIDIA's driver is installed; driver, gpus: what it says, empty where nothing.

    has_device: whether the machine has a GPU of NVIDIA's, driver or not. driver_cuda: the version of CUDA
    that the driver is for. distributions: the installed ones of onnxruntime and of cuDNN, and their versions.
    onnxruntime_cuda: the CUDA that onnxruntime is built for, empty without.
    missing: libraries of CUDA and cuDNN that are found nowhere. runtime, cudnn: versions, empty where there
    is none. other_cudnn: libraries of another major version of cuDNN.
    library: what libqudnn is built against and for, empty where it cannot be loaded, and then library_error
    says why. no_device: why libqudnn can use no GPU, empty where it can.
    """

    onnxruntime: str
    providers: tuple[str, ...]
    folder: Folder
    has_device: bool = False
    has_driver: bool = False
    driver: str = ""
    driver_cuda: tuple[int, int] | None = None
    gpus: tuple[nvml.Gpu, ...] = ()
    distributions: Mapping[str, str] = field(default_factory=dict)
    onnxruntime_cuda: str = ""
    missing: tuple[str, ...] = ()
    runtime: str = ""
    cudnn: str = ""
    other_cudnn: tuple[str, ...] = ()
    library: Mapping[str, str] = field(default_factory=dict)
    library_path: str = ""
    library_error: str = ""
    no_device: str = ""


def gather(cache_dir: str | None = None) -> Facts:
    """Look at everything, and load the libraries that a session would load. Raises nothing.

    cache_dir: the folder of plans, by default the one that sessions use by default.
    """
    has_driver = cuda.driver_present()
    answer = nvml.ask() if has_driver else None
    missing = cuda.load_libraries()
    library, path, error, no_device = _library()
    return Facts(
        onnxruntime=onnxruntime.__version__,
        providers=tuple(onnxruntime.get_available_providers()),
        folder=_folder(cache_dir) if library else Folder(cache_dir or ""),
        has_device=_has_device(),
        has_driver=has_driver,
        driver=answer.driver if answer else "",
        driver_cuda=cuda.driver_version() if has_driver else None,
        gpus=answer.gpus if answer else (),
        distributions=_distributions(),
        onnxruntime_cuda=getattr(onnxruntime, "cuda_version", None) or "",
        missing=tuple(missing),
        runtime=cuda.runtime_version(),
        cudnn=cuda.cudnn_version(),
        other_cudnn=tuple(cuda.other_cudnn()),
        library=library,
        library_path=path,
        library_error=error,
        no_device=no_device,
    )


def _has_device() -> bool:
    for device in _PCI.glob("*"):
        try:
            vendor, kind = (device / "vendor").read_text(), (device / "class").read_text()
        except OSError:
            continue
        if vendor.strip() == _NVIDIA and kind.startswith(_DISPLAY):
            return True
    return False


def _distributions() -> dict[str, str]:
    names = ["onnxruntime", "onnxruntime-gpu", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"]
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _library() -> tuple[dict[str, str], str, str, str]:
    """What libqudnn is built against, where it lies, why it cannot be loaded, why it can use no GPU."""
    from qudnn.custom_ops.location import library_path

    try:
        path = library_path()
    except FileNotFoundError as error:
        return {}, "", str(error), ""
    try:
        from qudnn.custom_ops import native
    except ImportError as error:
        return {}, path, str(error), ""
    return native.versions(), path, "", native.no_usable_device()


def _folder(cache_dir: str | None) -> Folder:
    from qudnn.custom_ops import plans

    path = plans.default_cache_dir() if cache_dir is None else cache_dir
    if not path:
        return Folder("")
    try:
        stored = tuple((info["device"], info["cudnn"], info["qudnn"]) for info in plans.stored(path))
        left_out = {file.name: reason for file, reason in plans.left_out(path).items()}
    except OSError as error:
        return Folder(path, f"cannot be read: {error.strerror or error}")
    return Folder(path, why_not_writable(Path(path)), stored, left_out)


def why_not_writable(folder: Path) -> str:
    """Why a plan could not be written to the folder, or to one that a first plan would make; else empty."""
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not there.is_dir():
        return f"{there} is no folder"
    if there != folder:  # nothing is made here
        if not os.access(there, os.W_OK | os.X_OK):
            return f"cannot be made: {there} cannot be written to"
        full = shutil.disk_usage(there).free < len(_PROBE)
        return f"cannot be made: no space left on the disk of {there}" if full else ""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_PROBE)
            file.flush()
    except OSError as error:
        return f"cannot be written to: {error.strerror or error}"
    return ""
