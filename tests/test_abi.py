"""libqudnn.so as a loader sees it: its symbols, what it needs, and how it meets other runtimes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import testing

from cases import graph
from qudnn import converter, custom_ops
from qudnn.custom_ops import c_interface, native
from session import CPU, assert_same_bits, open_session, outputs

LIBRARY = custom_ops.library_path()
HEADER = Path(__file__).parents[1] / "csrc" / "c_api" / "qudnn.h"
CUDNN = "cudnn/lib/libcudnn.so.9"
SYSTEM = (
    "libc.so.",
    "libm.so.",
    "libgcc_s.so.",
    "libstdc++.so.",
    "libdl.so.",
    "libpthread.so.",
    "librt.so.",
    "ld-linux",
)


def output_of(command: str, *arguments: str) -> list[str]:
    """The lines that a tool of binutils prints."""
    tool = shutil.which(command)
    if tool is None:
        pytest.skip(f"{command}, of binutils, is not installed")
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=True).stdout.splitlines()


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a process of its own: it may crash, or see another environment."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": paths, **environment},
    )


def test_exports() -> None:
    lines = output_of("nm", "--dynamic", "--defined-only", "--demangle", LIBRARY)
    symbols = [line.split(maxsplit=2)[2] for line in lines]
    declared = re.findall(r"QUDNN_C_API \w+ (\w+)\(", HEADER.read_text())
    assert len(declared) > 10
    # What tests link against is C++; a wheel's library has none of it.
    assert sorted(symbol for symbol in symbols if not symbol.startswith("qudnn::")) == sorted(
        ["CreateEpFactories", "RegisterCustomOps", "ReleaseEpFactory", *declared]
    )


def test_python_calls_every_function_of_the_c_interface() -> None:
    declared = set(re.findall(r"QUDNN_C_API \w+ (\w+)\(", HEADER.read_text()))
    calls = "".join(Path(path).read_text() for path in (native.__file__, c_interface.__file__))
    assert declared == set(re.findall(r"\bqudnn_\w+", calls))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler")
def test_the_header_is_c() -> None:
    command = ["gcc", "-std=c99", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, "-x", "c", str(HEADER)], check=True)


@pytest.mark.parametrize("library", [LIBRARY, testing.path()], ids=["libqudnn", "testing"])
def test_needs_nothing_of_cuda(library: str) -> None:
    needed = [
        line.split("[")[1].rstrip("]")
        for line in output_of("readelf", "--dynamic", "--wide", library)
        if "(NEEDED)" in line
    ]
    assert needed
    own = (Path(LIBRARY).name,) if library != LIBRARY else ()
    assert [name for name in needed if not name.startswith((*SYSTEM, *own))] == []


def test_loads_by_itself() -> None:
    done = run_python(
        f"import ctypes; print(bool(ctypes.CDLL({LIBRARY!r}).RegisterCustomOps))", CUDA_VISIBLE_DEVICES=""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


REGISTER_WITHOUT_GPU = """
import onnxruntime, numpy as np, sys
options = onnxruntime.SessionOptions()
options.register_custom_ops_library({library!r})
session = onnxruntime.InferenceSession({model!r}, options, providers=["CPUExecutionProvider"])
inputs = dict(np.load({inputs!r}))
np.savez({result!r}, y=session.run(["y"], inputs)[0])
"""


def test_without_a_gpu_nothing_is_registered_and_the_functions_run(tmp_path: Path) -> None:
    case = graph.CASES[0]
    model = converter.convert(case.model()).model
    paths = {name: str(tmp_path / name) for name in ("model.onnx", "inputs.npz", "result.npz")}
    onnx.save_model(model, paths["model.onnx"])
    np.savez(paths["inputs.npz"], x=case.inputs()["x"])
    code = REGISTER_WITHOUT_GPU.format(
        library=LIBRARY, model=paths["model.onnx"], inputs=paths["inputs.npz"], result=paths["result.npz"]
    )
    done = run_python(code, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 0, done.stderr
    expected = outputs(open_session(model, CPU), case.inputs())
    assert_same_bits(dict(np.load(paths["result.npz"])), expected)


FOREIGN_RUNTIME = """
import ctypes

CREATE_STATUS = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p)
GET_API = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)
GET_VERSION = ctypes.CFUNCTYPE(ctypes.c_char_p)

class Base(ctypes.Structure):
    _fields_ = [("get_api", GET_API), ("get_version", GET_VERSION)]

@CREATE_STATUS
def create_status(code, message):
    print("refused:", message.decode())
    return 0x5747  # stands for a status: nobody looks into it

# CreateStatus is the first slot of every version. The others are null: whoever calls one crashes.
slots = (ctypes.c_void_p * 300)(ctypes.cast(create_status, ctypes.c_void_p).value)
newest = {newest}
asked = []

@GET_API
def get_api(version):
    asked.append(version)
    return ctypes.addressof(slots) if version <= newest else None

@GET_VERSION
def get_version():
    return b"1.5.0"

library = ctypes.CDLL({library!r})
base = Base(get_api, get_version)
factories, room, count = (ctypes.c_void_p * 4)(), ctypes.c_size_t(4), ctypes.c_size_t(9)
arguments = {{
    "RegisterCustomOps": (None, ctypes.byref(base)),
    "CreateEpFactories": (b"name", ctypes.byref(base), None, factories, room, ctypes.byref(count)),
}}
entry = library[{entry!r}]
entry.restype = ctypes.c_void_p
status = entry(*arguments[{entry!r}])
print("status", status, "asked", min(asked), max(asked))
assert {entry!r} == "RegisterCustomOps" or (count.value, factories[0]) == (0, None)
"""
ENTRIES = {
    "RegisterCustomOps": 21,
    "CreateEpFactories": 24,
}  # and the newest API version that they may ask for


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_older_runtime_is_refused_with_both_versions(entry: str) -> None:
    done = run_python(FOREIGN_RUNTIME.format(library=LIBRARY, entry=entry, newest=5), CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 0, done.stderr
    message, status = done.stdout.splitlines()
    assert message.startswith("refused: qudnn")
    assert "1.5.0" in message
    assert "or newer" in message
    assert status.startswith(f"status {0x5747} asked 1 ")
    assert int(status.split()[-1]) <= ENTRIES[entry]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_runtime_without_any_api_is_no_crash(entry: str) -> None:
    done = run_python(FOREIGN_RUNTIME.format(library=LIBRARY, entry=entry, newest=0), CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 0, done.stderr
    assert "refused" not in done.stdout  # without an API there is no status to refuse with
    assert done.stdout.startswith("status")


def test_registered_twice_in_one_process() -> None:
    for _ in range(3):
        onnxruntime.SessionOptions().register_custom_ops_library(LIBRARY)


def test_versions() -> None:
    versions = native.versions()
    assert versions["cuda"].startswith("13.")
    assert versions["cudnn"].startswith("9.")
    assert versions["architectures"]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler, to make a library of that name")
def test_handles_of_cudnn_8_are_not_used(tmp_path: Path) -> None:
    """cuDNN 9 takes none of them; where onnxruntime has loaded 9, another's 8 in the process does no harm."""
    eight = tmp_path / "libcudnn.so.8"
    command = ["gcc", "-shared", "-Wl,-soname,libcudnn.so.8", "-x", "c", os.devnull, "-o", str(eight)]
    subprocess.run(command, check=True)
    nvidia = importlib.util.find_spec("nvidia")
    assert nvidia is not None
    (nine,) = (file for root in nvidia.submodule_search_locations or () for file in Path(root).glob(CUDNN))
    say = "from qudnn.custom_ops import native; print('found', native.versions()['cudnn_at_runtime'])"
    for libraries in [eight], [nine, eight]:
        loads = "".join(f"import ctypes; ctypes.CDLL({str(path)!r}); " for path in libraries)
        done = run_python(loads + say, LD_LIBRARY_PATH=str(nine.parent))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("found")
        assert ("9." in done.stdout) == (nine in libraries)
