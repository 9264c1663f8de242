"""What a result was measured on, and how much memory is in use there."""

import ctypes
import gc
import platform
import re
import subprocess
from pathlib import Path

import onnxruntime

from qudnn.custom_ops import cuda, nvml

_STATUS, _CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def describe() -> dict[str, str]:
    """Names and versions of the machine's processor and GPU and of the software between them."""
    facts = {
        "processor": _processor(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }
    if cuda.driver_present():
        cuda.load_libraries()
        answer = nvml.ask()
        if answer is not None and answer.gpus:
            facts |= {"gpu": answer.gpus[0].name, "driver": answer.driver}
        facts |= {"cudnn": cuda.cudnn_version()}
    return facts


def slug() -> str:
    """A short name for file names."""
    facts = describe()
    return re.sub(r"[^a-z0-9]+", "-", facts.get("gpu", facts["processor"]).lower()).strip("-")


def commit(root: Path) -> str:
    """The commit of the tree at `root`, with `+` where files are changed; `unknown` outside of git."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        ).stdout

    try:
        return git("rev-parse", "HEAD").strip() + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def own_commit() -> str:
    """The commit of the source tree that this is; `unknown` for an installed package, whatever it lies in."""
    root = Path(__file__).resolve().parents[2]
    return commit(root) if (root / ".git").exists() else "unknown"


def gpu_memory_mb() -> float:
    """Memory in use on the first GPU, by other processes too; 0 where CUDA does not say."""
    return (cuda.memory_in_use() or 0) / 2**20


def process_memory_mb() -> float:
    """Resident memory of this process."""
    return _resident("VmRSS")


def peak_memory_mb() -> float:
    """The most that this process has had resident since forget_peak."""
    return _resident("VmHWM")


def forget_peak() -> None:
    """Give free memory back, and let the peak begin anew: what a session needs next, shows."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # of glibc
        _CLEAR_REFS.write_text(_RESET_PEAK)
    except (OSError, AttributeError):  # peaks of before count as well, then
        pass


def _resident(name: str) -> float:
    found = re.search(rf"{name}:\s*(\d+) kB", _STATUS.read_text())
    return int(found[1]) / 1024 if found else 0.0


def _processor() -> str:
    name = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return name[1] if name else platform.machine()
