"""The package `qudnn`: what importing it costs, what it offers, and the names that its parts had before."""

import email
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import onnx
import pytest

import qudnn
from cases import graph
from qudnn import converter, custom_ops

ROOT = Path(__file__).parents[1]
HEAVY = ("numpy", "onnx", "onnx_ir", "onnxruntime", "qudnn.converter", "qudnn.custom_ops")


def python(*arguments: str, cwd: Path, **environment: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_imports_nothing(tmp_path: Path) -> None:
    program = f"import sys, qudnn; print(qudnn.__version__, *set({HEAVY}) & sys.modules.keys())"
    out = python("-c", program.replace("qudnn.__version__", "1"), cwd=tmp_path)
    assert out == "1\n"


def test_the_face() -> None:
    assert set(qudnn.__all__) <= set(dir(qudnn))
    for name in qudnn.__all__:
        assert getattr(qudnn, name) is not None, name
    for package in converter, custom_ops:
        for name in package.__all__:
            assert getattr(qudnn, name) is getattr(package, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = qudnn.nothing


def test_old_names_are_the_same_modules(tmp_path: Path) -> None:
    program = """
import sys
import converter.reports.report
from converter.api import convert
import custom_ops
from custom_ops import library
import qudnn.converter.pipeline
from converter import pipeline
import custom_ops.plans

assert converter is qudnn.converter and custom_ops is qudnn.custom_ops
assert converter.reports.report is sys.modules["qudnn.converter.reports.report"]
assert convert is qudnn.convert and pipeline is qudnn.converter.pipeline
assert library is qudnn.custom_ops.library and custom_ops.plans is qudnn.plans
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in ("converter", "custom_ops"):
        assert module is sys.modules["qudnn." + name], name
        assert module.__name__ == module.__spec__.name == "qudnn." + name, name
try:
    import qudnn.converter.nothing
except ModuleNotFoundError as error:
    print(error)
"""
    assert python("-P", "-c", program, cwd=tmp_path) == "No module named 'qudnn.converter.nothing'\n"


def test_modules_of_the_user_keep_their_names(tmp_path: Path) -> None:
    """A converter.py or custom_ops.py beside a model is the user's, and qudnn needs none."""
    for name in ("converter", "custom_ops"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    onnx.save(graph.CASES[0].model(), tmp_path / "model.onnx")
    python("-m", "qudnn", "convert", "model.onnx", "-o", "out.onnx", cwd=tmp_path)
    assert qudnn.is_converted(tmp_path / "out.onnx")
    python(
        "-c",
        "import qudnn; qudnn.InferenceSession('out.onnx', providers=['CPUExecutionProvider'])",
        cwd=tmp_path,
    )

    for name in ("converter", "custom_ops"):
        (tmp_path / f"{name}.py").write_text("x = 'mine'\n")
    # Installed as a wheel is: -S, since the finder of an editable installation comes before all folders.
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "qudnn").symlink_to(ROOT / "qudnn")
    for old in (ROOT / "qudnn" / "old_names").glob("c*.py"):
        (installed / old.name).symlink_to(old)
    paths = [str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    program = "import qudnn.converter, converter; print(converter.x)"
    out = python("-S", "-c", program, cwd=tmp_path, PYTHONPATH=os.pathsep.join(paths))
    assert out == "mine\n"
    (tmp_path / "converter.py").unlink()
    program = "import qudnn.converter, converter; print(converter is qudnn.converter)"
    assert python("-S", "-c", program, cwd=tmp_path, PYTHONPATH=os.pathsep.join(paths)) == "True\n"


def test_a_wheel_holds_the_tree(tmp_path: Path) -> None:
    """All modules but no sources of the library; what CMake builds is not built here."""
    pytest.importorskip("scikit_build_core")
    program = (
        "from scikit_build_core.build import build_wheel; import sys; build_wheel(sys.argv[1], {settings})"
    )
    settings = {"wheel.cmake": "false", "build-dir": str(tmp_path / "build")}
    python("-P", "-c", program.format(settings=settings), str(tmp_path), cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {
        str(Path("qudnn", path.relative_to(ROOT)))
        for folder in ("converter", "custom_ops")
        for path in (ROOT / folder).rglob("*.py*")
        if path.suffix in (".py", ".pyi")
    }
    face = {f"qudnn/{name}" for name in ("__init__.py", "__main__.py", "py.typed", "old_names/__init__.py")}
    assert len(modules) > 200
    assert held == modules | face | {"converter.py", "custom_ops.py"}
    check_metadata(wheel)


def check_metadata(wheel: Path) -> None:
    """What an index shows, and what an installation without extras brings along."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
        assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert len(metadata.get_all("Classifier", [])) > 5
    assert {"cpu", "gpu"} <= set(metadata.get_all("Provides-Extra", []))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.split(">")[0] for line in needed} == {"numpy", "onnx", "onnx-ir", "protobuf", "shtab"}


def test_a_built_wheel_holds_the_library() -> None:
    """Of `make wheel`: one library that shows C functions only, the bodies, and nothing for tests."""
    wheels = list((ROOT / "dist").glob("*.whl"))
    if not wheels:
        pytest.skip("there is no wheel in dist/: `make wheel` makes one")
    (wheel,) = wheels
    assert "-py3-none-" in wheel.name and "manylinux_2_28_x86_64" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith((".py", ".pyi", "/"))]
        library = archive.read("qudnn/custom_ops/libqudnn.so")
        bodies = archive.read("qudnn/converter/functions/bodies.onnx")
    inside = {name for name in names if ".dist-info/" not in name and ".libs/" not in name}
    assert inside == {
        "qudnn/py.typed",
        "qudnn/custom_ops/libqudnn.so",
        "qudnn/converter/functions/bodies.onnx",
    }
    assert b"qudnn_release" in library
    assert b"libstdc++.so" not in library
    assert len(onnx.ModelProto.FromString(bodies).functions) > 50  # of the tree when it was made
    check_metadata(wheel)
