"""Runs the GPU's kernels under compute-sanitizer: `make sanitize`.

    PYTHONPATH=tests python tests/sanitize.py KERNEL_BENCHMARK

memcheck looks for reads and writes outside of memory, racecheck for threads of a block that disturb each
other in shared memory. The kernels by themselves run under both, on small tensors, and some sessions under
memcheck. Only kernels of qudnn are looked at. Exits with 1 where a tool finds something, or there is no GPU
or no tool.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from no_gpu import why_no_gpu

FOUND = 9  # the tool's exit status for an error of its own
SESSIONS = (
    "tests/gpu/test_pointwise.py",
    "tests/gpu/test_window.py",
    "tests/gpu/test_padded_results.py",
    "tests/gpu/test_depthwise.py",
)


def tool() -> str | None:
    """compute-sanitizer of the environment's package, else that of the machine."""
    folders = [Path(sysconfig.get_path("platlib"), "nvidia", "cu13", "bin")]
    folders += [Path(root, "bin") for name in ("CUDA_HOME", "CUDA_PATH") if (root := os.environ.get(name))]
    folders.append(Path("/usr/local/cuda/bin"))
    for path in (os.pathsep.join(map(str, folders)), None):
        if found := shutil.which("compute-sanitizer", path=path):
            return found
    return None


def runs(benchmark: str) -> Iterator[tuple[str, list[str]]]:
    """Each tool, and what it runs."""
    for name in ("memcheck", "racecheck"):
        yield name, [benchmark, "--quick", "--untimed"]
    yield "memcheck", [sys.executable, "-P", "-m", "pytest", "-q", "-m", "gpu", "--require-gpu", *SESSIONS]


def main(benchmark: str) -> int:
    sanitizer, no_gpu = tool(), why_no_gpu()
    if no_gpu is not None:
        print(f"make sanitize needs a GPU: {no_gpu}", file=sys.stderr)
        return 1
    if sanitizer is None:
        print(
            "compute-sanitizer is not there: install nvidia-cuda-sanitizer-api or a CUDA toolkit",
            file=sys.stderr,
        )
        return 1
    status = 0
    for name, command in runs(benchmark):
        print(f"== {name}: {' '.join(command)}", flush=True)
        options = ["--tool", name, "--error-exitcode", str(FOUND), "--kernel-name", "kns=qudnn"]
        returned = subprocess.run([sanitizer, *options, *command]).returncode
        if returned:
            print(f"{name}: exit status {returned}" + " (errors found)" * (returned == FOUND), flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
