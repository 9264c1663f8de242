"""Tells CMake where the CUDA compiler, cuDNN's headers and cudnn-frontend's headers are.

python locate.py [FOLDER]    FOLDER: packages for the machine that this build is for, where that is another

Looks into the packages of the Python that builds first, then at what the system has, and prints lines
`NAME=path` (empty where nothing was found). Of the other machine only the CUDA runtime is needed.
"""

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path


def packages() -> list[Path]:
    """The folders in which installed packages lie."""
    return [Path(entry) for entry in dict.fromkeys(sys.path) if entry and Path(entry).is_dir()]


def system_toolkits() -> Iterator[Path]:
    """Roots of CUDA toolkits that the machine has, the one asked for first."""
    for compiler in (os.environ.get("CUDACXX"), shutil.which("nvcc")):
        if compiler:
            yield Path(compiler).resolve().parent.parent
    for variable in ("CUDA_HOME", "CUDA_PATH"):
        if root := os.environ.get(variable):
            yield Path(root)
    yield Path("/usr/local/cuda")


def first(candidates: Iterable[Path]) -> str:
    return next((candidate.as_posix() for candidate in candidates if candidate.exists()), "")


def main(others: list[Path]) -> None:
    """others: folders of packages for another machine."""
    wheels = packages()
    toolkits = [package / "nvidia" / "cu13" for package in wheels] + list(system_toolkits())
    nvcc = first(root / "bin" / "nvcc" for root in toolkits)
    root = Path(nvcc).parent.parent if nvcc else Path("/nonexistent")
    libraries = [root / "lib", root / "lib64", root / "targets" / "x86_64-linux" / "lib"]
    if others:
        libraries = [other / "nvidia" / "cu13" / "lib" for other in others]

    frontend = first(package / "include" / "cudnn_frontend.h" for package in [*wheels, Path("/usr")])
    cudnn_folders = [package / "nvidia" / "cudnn" / "include" for package in wheels]
    cudnn_folders += [Path("/usr/include"), Path("/usr/include", sysconfig.get_config_var("MULTIARCH") or "")]
    cudnn_folders += [root / "include"]
    cudnn = first(folder / "cudnn.h" for folder in cudnn_folders)

    print(f"NVCC={nvcc}")
    print(f"CUDA_INCLUDE={first([root / 'include', root / 'targets' / 'x86_64-linux' / 'include'])}")
    print(f"CUDART={first(folder / 'libcudart_static.a' for folder in libraries)}")
    print(f"CUDNN_INCLUDE={Path(cudnn).parent if cudnn else ''}")
    print(f"FRONTEND_INCLUDE={Path(frontend).parent if frontend else ''}")


if __name__ == "__main__":
    main([Path(folder) for folder in sys.argv[1:]])
