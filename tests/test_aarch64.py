"""Files of each language compile for aarch64 as `make wheel-aarch64` has them; no program runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
AARCH64 = (183).to_bytes(2, "little")  # e_machine in an ELF header, its 18th byte on
FILES = ("csrc/kernels/common/compare.cu", "csrc/plan/storage/sha256.cpp")


TOOLS = Path(sys.executable).parent


def cmake(*arguments: str) -> None:
    done = subprocess.run([str(TOOLS / "cmake"), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.skipif(not (TOOLS / "cmake").exists(), reason="no CMake beside this Python")
@pytest.mark.skipif(shutil.which("aarch64-linux-gnu-g++") is None, reason="no g++ for aarch64")
def test_files_compile(tmp_path: Path) -> None:
    (runtime,) = re.findall(r'"(nvidia-cuda-runtime==[\d.]+)"', (ROOT / "pyproject.toml").read_text())
    packages = tmp_path / "packages"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    target = ["--target", str(packages), "--platform", "manylinux2014_aarch64", "--only-binary=:all:"]
    done = subprocess.run([*pip, *target, runtime], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot install {runtime} for aarch64: {done.stderr[-300:]}")
    defined = {
        "CMAKE_MAKE_PROGRAM": TOOLS / "ninja",
        "CMAKE_TOOLCHAIN_FILE": ROOT / "cmake" / "aarch64.cmake",
        "Python_EXECUTABLE": sys.executable,
        "QUDNN_CUDA_ARCHITECTURES": "75-real",
        "QUDNN_PACKAGES": packages,
        "SKBUILD_PROJECT_VERSION": "0",
    }
    build = tmp_path / "build"
    options = [f"-D{name}={value}" for name, value in defined.items()]
    cmake("-S", str(ROOT), "-B", str(build), "-G", "Ninja", *options)
    # Linked with it, so CMake's own trial program was, too.
    assert str(packages / "nvidia/cu13/lib/libcudart_static.a") in (build / "build.ninja").read_text()
    commands = (build / "compile_commands.json").read_text()
    assert "aarch64-linux-gnu-g++" in commands
    objects = {file: unit(build, file) for file in FILES}
    cmake("--build", str(build), "--target", *objects.values())
    for file, made in objects.items():
        assert (build / made).read_bytes()[18:20] == AARCH64, file


def unit(build: Path, file: str) -> str:
    """The object that the file is compiled into, by itself or as one with others."""
    sources = [
        source for source in (build / "CMakeFiles/libqudnn.dir/Unity").iterdir() if file in source.read_text()
    ]
    name = f"Unity/{sources[0].name}" if sources else file
    return f"CMakeFiles/libqudnn.dir/{name}.o"
