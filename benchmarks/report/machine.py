"""What a result was measured on."""

import ctypes
import platform
import re
import subprocess
from pathlib import Path

import onnxruntime

from qudnn.custom_ops import cuda


def describe() -> dict[str, str]:
    """Names and versions of the machine's processor and GPU and of the software between them."""
    facts = {
        "processor": _processor(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
    }
    if cuda.driver_present():
        cuda.load_libraries()
        name, driver = _nvidia_smi("name,driver_version").split(", ")
        facts |= {"gpu": name, "driver": driver, "cudnn": _cudnn_version()}
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


def gpu_memory_mb() -> float:
    """Memory in use on the first GPU."""
    return float(_nvidia_smi("memory.used", "nounits"))


def process_memory_mb() -> float:
    """Resident memory of this process."""
    resident = re.search(r"VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(resident[1]) / 1024 if resident else 0.0


def _nvidia_smi(query: str, *formats: str) -> str:
    command = [
        "nvidia-smi",
        "--id=0",
        f"--query-gpu={query}",
        f"--format={','.join(['csv', 'noheader', *formats])}",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _cudnn_version() -> str:
    version: int = ctypes.CDLL("libcudnn.so.9").cudnnGetVersion()
    return f"{version // 10000}.{version // 100 % 100}.{version % 100}"


def _processor() -> str:
    name = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return name[1] if name else platform.machine()
