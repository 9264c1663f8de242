"""Parts of builds that the other tests do not run on: the demo's without a GPU, and that for aarch64."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = Path(sys.executable).parent
AARCH64 = (183).to_bytes(2, "little")  # e_machine in an ELF header, its 18th byte on

pytestmark = pytest.mark.skipif(not (TOOLS / "cmake").exists(), reason="no CMake beside this Python")


def configure(build: Path, **more: str | Path) -> None:
    """For Turing, which compiles fastest, as the demo has it."""
    defined = {
        "CMAKE_CXX_FLAGS_RELEASE": "-O1",
        "CMAKE_MAKE_PROGRAM": TOOLS / "ninja",
        "Python_EXECUTABLE": sys.executable,
        "QUDNN_CUDA_ARCHITECTURES": "75-real",
        "SKBUILD_PROJECT_VERSION": "0",
        **more,
    }
    options = [f"-D{name}={value}" for name, value in defined.items()]
    cmake("-S", str(ROOT), "-B", str(build), "-G", "Ninja", *options)


def cmake(*arguments: str) -> None:
    done = subprocess.run([str(TOOLS / "cmake"), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_hopper_kernels_for_other_gpus(tmp_path: Path) -> None:
    """They are refusals, most of them in one file."""
    configure(tmp_path)
    (one,) = (tmp_path / "CMakeFiles/hopper_kernels.dir/Unity").glob("*window_refusals*")
    assert one.read_text().count("#include") > 3
    cmake("--build", str(tmp_path), "--target", "hopper_kernels")
    objects = list((tmp_path / "CMakeFiles/hopper_kernels.dir").rglob("*.o"))
    assert 1 < len(objects) < len(list((ROOT / "csrc/kernels/window").glob("*.cu")))


@pytest.mark.skipif(shutil.which("aarch64-linux-gnu-g++") is None, reason="no g++ for aarch64")
def test_files_compile_for_aarch64(tmp_path: Path) -> None:
    """One of each language, as `make wheel-aarch64` has them."""
    (runtime,) = re.findall(r'"(nvidia-cuda-runtime==[\d.]+)"', (ROOT / "pyproject.toml").read_text())
    packages, build = tmp_path / "packages", tmp_path / "build"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    target = ["--target", str(packages), "--platform", "manylinux2014_aarch64", "--only-binary=:all:"]
    done = subprocess.run([*pip, *target, runtime], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot install {runtime} for aarch64: {done.stderr[-300:]}")
    configure(build, CMAKE_TOOLCHAIN_FILE=ROOT / "cmake" / "aarch64.cmake", QUDNN_PACKAGES=packages)
    # CMake's own trial program was linked with it, too.
    assert str(packages / "nvidia/cu13/lib/libcudart_static.a") in (build / "build.ninja").read_text()
    objects = [object_of(build, file) for file in ("kernels/gemm/pointwise.cu", "plan/storage/sha256.cpp")]
    cmake("--build", str(build), "--target", *objects)
    for made in objects:
        assert (build / made).read_bytes()[18:20] == AARCH64, made


def object_of(build: Path, file: str) -> str:
    """What the file is compiled into, by itself or as one with others."""
    folder = Path("CMakeFiles/libqudnn.dir")
    ones = [one.name for one in (build / folder / "Unity").iterdir() if f"csrc/{file}" in one.read_text()]
    return str(folder / (f"Unity/{ones[0]}.o" if ones else f"csrc/{file}.o"))
