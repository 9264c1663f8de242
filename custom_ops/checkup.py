"""Whether what facts.py has found on a machine fits together, and what to do where it does not."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from qudnn.custom_ops.facts import Facts
from qudnn.custom_ops.nvml import Gpu
from qudnn.custom_ops.onnxruntimes import INSTALL, REINSTALL, beside_each_other
from qudnn.custom_ops.registration import CUDA

_OLDEST_ONNXRUNTIME = (1, 18)
_OLDEST_CUDNN = (9, 4)
_OLDEST_GPU = (7, 5)


class State(StrEnum):
    FITS = "fits"
    NOTE = "note"  # worth knowing; sessions have qudnn's operators all the same
    WRONG = "wrong"  # is in the way of qudnn, or of its speed


@dataclass(frozen=True)
class Check:
    """found: versions and names, or what is wrong with them. remedy: what to do, empty where all is well."""

    name: str
    state: State
    found: str
    remedy: str = ""


def checks(facts: Facts) -> list[Check]:
    """One for each part, from the hardware up. Where one part is wrong, later ones may be because of it."""
    parts: dict[str, Callable[[Facts], tuple[State, str, str]]] = {
        "GPU": _gpu,
        "driver": _driver,
        "onnxruntime": _onnxruntime,
        "CUDA": _cuda,
        "cuDNN": _cudnn,
        "libqudnn": _library,
        "plans": _plans,
    }
    return [Check(name, *part(facts)) for name, part in parts.items()]


def _gpu(facts: Facts) -> tuple[State, str, str]:
    named = "; ".join(map(str, facts.gpus))
    if not facts.gpus:
        if facts.has_device and not facts.has_driver:
            return State.WRONG, "a GPU of NVIDIA's, which nothing can use without a driver", "see below"
        if facts.has_driver and facts.library and not facts.no_device:
            return State.FITS, "one that qudnn can use; the driver's management library does not answer", ""
        return (
            State.WRONG,
            "none: converted models run through their function bodies, on the CPU",
            "run on a machine with an NVIDIA GPU of compute capability 7.5 or newer",
        )
    if all(gpu.capability < _OLDEST_GPU for gpu in facts.gpus):
        return State.WRONG, named, "qudnn needs compute capability 7.5 or newer: take another GPU"
    if "CUDA_VISIBLE_DEVICES" in facts.no_device:
        return (
            State.WRONG,
            f"{named}; {facts.no_device}",
            "unset CUDA_VISIBLE_DEVICES, or name a GPU that is there",
        )
    return State.FITS, named, ""


def _driver(facts: Facts) -> tuple[State, str, str]:
    needed = _major(facts.library.get("cuda") or facts.onnxruntime_cuda)
    for_cuda = f" for CUDA {needed} or newer" if needed else ""
    if not facts.has_driver:
        return (
            State.WRONG,
            "no NVIDIA driver",
            f"install one{for_cuda}; start a container with its GPUs, as by `docker run --gpus all`",
        )
    version = facts.driver or "of unknown version"
    if facts.driver_cuda is None:
        return State.WRONG, f"{version}, which does not answer", "restart the machine, or install it again"
    found = f"{version}, for CUDA {facts.driver_cuda[0]}.{facts.driver_cuda[1]}"
    if facts.no_device and needed and facts.driver_cuda[0] < needed:
        return State.WRONG, f"{found}; qudnn needs one{for_cuda}", f"install a newer driver,{for_cuda}"
    return State.FITS, found, ""


def _onnxruntime(facts: Facts) -> tuple[State, str, str]:
    found = facts.onnxruntime + (f" for CUDA {facts.onnxruntime_cuda}" if facts.onnxruntime_cuda else "")
    if tuple(map(int, facts.onnxruntime.split(".")[:2])) < _OLDEST_ONNXRUNTIME:
        return State.WRONG, found, f"qudnn needs onnxruntime 1.18 or newer: {INSTALL}"
    both = beside_each_other(facts.distributions)
    if CUDA not in facts.providers:
        remedy = REINSTALL if both else f"uninstall onnxruntime, then {INSTALL}"
        beside = f"; {both}" if both else ""
        return State.WRONG, f"{found} has no {CUDA}{beside}", remedy
    if both:
        return (
            State.NOTE,
            f"{found}; {both}: the later one has replaced files",
            REINSTALL,
        )
    return State.FITS, f"{found}, with {CUDA}", ""


def _cuda(facts: Facts) -> tuple[State, str, str]:
    if not facts.onnxruntime_cuda:
        return State.NOTE, "not looked for: onnxruntime is not built for it", ""
    missing = [name for name in facts.missing if not name.startswith("libcudnn")]
    runtime = f"runtime {facts.runtime}" if facts.runtime else ""
    if missing:
        lacks = f"{', '.join(missing)} cannot be found"
        return State.WRONG, f"{runtime}; {lacks}" if runtime else lacks, f"{INSTALL} installs what is missing"
    return State.FITS, runtime or "found", ""


def _cudnn(facts: Facts) -> tuple[State, str, str]:
    if not facts.onnxruntime_cuda:
        return State.NOTE, "not looked for: onnxruntime is not built for CUDA", ""
    major = _major(facts.onnxruntime_cuda)
    foreign = [
        name
        for name in facts.distributions
        if name.startswith("nvidia-cudnn-cu") and name != f"nvidia-cudnn-cu{major}"
    ]
    others = f"; {', '.join(facts.other_cudnn)} is of another major version" if facts.other_cudnn else ""
    if not facts.cudnn:
        return State.WRONG, f"none of version 9{others}", f"{INSTALL} installs it"
    if foreign:
        return (
            State.WRONG,
            f"{facts.cudnn}; {', '.join(foreign)} is for another CUDA than {facts.onnxruntime_cuda}",
            f"uninstall {' '.join(foreign)} and nvidia-cudnn-cu{major}, then {INSTALL}",
        )
    if tuple(map(int, facts.cudnn.split(".")[:2])) < _OLDEST_CUDNN:
        return (
            State.WRONG,
            f"{facts.cudnn}: convolutions and matmuls run on qudnn's own kernels alone",
            "install cuDNN 9.4 or newer",
        )
    return State.FITS, facts.cudnn, ""


def _library(facts: Facts) -> tuple[State, str, str]:
    if not facts.library:
        return State.WRONG, f"cannot be loaded: {facts.library_error}", "install qudnn again"
    built = facts.library
    generations = built["architectures"].replace(";", ", ")
    found = f"{built['qudnn']} for {generations}, built against CUDA {built['cuda']}, cuDNN {built['cudnn']}"
    without = [gpu for gpu in facts.gpus if not has_kernels(gpu, built["architectures"])]
    if without and len(without) == len(facts.gpus):
        major, minor = without[0].capability
        return (
            State.WRONG,
            f"{found}: no kernels for compute capability {major}.{minor}",
            f"install a build for this GPU: QUDNN_CUDA_ARCHITECTURES={major}{minor}-real",
        )
    if facts.no_device and facts.has_driver and facts.gpus:
        return State.WRONG, f"{found}; it can use no GPU: {facts.no_device}", "see the lines above"
    return State.FITS, found, ""


def has_kernels(gpu: Gpu, architectures: str) -> bool:
    """Whether a build for these architectures, as CMake lists them, has kernels that the GPU runs.

    Kernels run on their own generation and on later ones with the same major number, those with an `a` on
    their own alone; what is not `-real` has PTX, which every later generation runs.
    """
    for each in architectures.split(";"):
        number, _, kind = each.partition("-")
        exact = number.endswith("a")
        digits = number.rstrip("af")
        capability = (int(digits[:-1]), int(digits[-1]))
        if exact:
            runs = capability == gpu.capability
        else:
            runs = capability <= gpu.capability and (kind != "real" or capability[0] == gpu.capability[0])
        if runs:
            return True
    return False


def _plans(facts: Facts) -> tuple[State, str, str]:
    folder = facts.folder
    if not facts.library:
        return State.NOTE, "not looked at: the library that reads them cannot be loaded", ""
    if not folder.path:
        return (
            State.NOTE,
            "kept in memory only: each process tunes anew",
            "give sessions a folder: cache_dir, or QUDNN_CACHE_DIR",
        )
    usable = [plan for plan in folder.plans if _is_for(plan, facts)]
    stale = len(folder.plans) - len(usable)
    parts = [f"{folder.path}: {len(folder.plans)} plans"]
    if stale:
        parts.append(f"{stale} of them for other GPUs or versions, which are not used")
    if folder.left_out:
        reasons = Counter(folder.left_out.values())
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        parts.append(f"{len(folder.left_out)} files are none ({listed})")
    found = ", ".join(parts)
    if folder.problem:
        remedy = "make it writable and see that there is room, or give another: cache_dir, or QUDNN_CACHE_DIR"
        state = State.NOTE if usable else State.WRONG  # as in images that are made with their plans
        return state, f"{found}; {folder.problem}", remedy
    if stale or folder.left_out:
        return State.NOTE, found, "they do no harm; `qudnn plans --clear` deletes plans, stale ones too"
    return State.FITS, found, ""


def _is_for(plan: tuple[str, str, str], facts: Facts) -> bool:
    """Whether a session here would use the plan, as far as can be told without starting CUDA."""
    device, cudnn, qudnn = plan
    fits = not facts.gpus or any(device.startswith(gpu.name) for gpu in facts.gpus)
    return fits and cudnn == facts.cudnn and qudnn == facts.library.get("qudnn")


def _major(version: str) -> int:
    return int(version.partition(".")[0] or 0)
