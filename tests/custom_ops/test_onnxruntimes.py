"""onnxruntime's distributions: one, both in the same folder, none."""

import builtins
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

from cases import graph
from qudnn import custom_ops
from qudnn.custom_ops import Obstacle, onnxruntimes


def versions(monkeypatch: pytest.MonkeyPatch, **installed: str) -> None:
    """Makes these the installed distributions, `_` for `-`."""

    def version(name: str) -> str:
        try:
            return installed[name.replace("-", "_")]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(metadata, "version", version)


def test_what_is_installed_is_what_runs() -> None:
    assert onnxruntime.__version__ in onnxruntimes.installed().values()


def test_both_are_said_where_cuda_is_missing(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, with what to do; sessions run on."""
    versions(monkeypatch, onnxruntime="1.30.0", onnxruntime_gpu="1.31.1")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.warns(RuntimeWarning, match="qudnn's operators stay off: ") as warned:
        registration = custom_ops.register(onnxruntime.SessionOptions())
    assert registration.obstacle is Obstacle.ONNXRUNTIME
    assert (
        "onnxruntime 1.30.0 and onnxruntime-gpu 1.31.1 are installed, in the same folder"
        in registration.reason
    )
    assert "uninstall onnxruntime and onnxruntime-gpu, then `pip install" in registration.reason
    assert len(warned) == 1


def test_one_is_not_both(monkeypatch: pytest.MonkeyPatch) -> None:
    versions(monkeypatch, onnxruntime="1.31.1")
    assert onnxruntimes.installed() == {"onnxruntime": "1.31.1"}
    assert onnxruntimes.beside_each_other(onnxruntimes.installed()) == ""


def without_onnxruntime(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    program = f"import sys; sys.modules['onnxruntime'] = None\n{code}"
    # What a missing module raises, with its name; None in sys.modules does it too.
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *map(str, arguments)], capture_output=True, text=True
    )


def test_without_any_the_converter_and_plans_work(tmp_path: Path) -> None:
    onnx.save_model(graph.CASES[0].model(), tmp_path / "in.onnx")
    code = """
import qudnn
qudnn.convert_file(sys.argv[1], sys.argv[2])
assert qudnn.is_converted(sys.argv[2])
assert qudnn.plans.stored("") == []
assert qudnn.library_path().endswith("libqudnn.so")
"""
    done = without_onnxruntime(code, tmp_path / "in.onnx", tmp_path / "out.onnx")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "code",
    [
        "import qudnn; qudnn.InferenceSession",
        "from qudnn import register",
        "from qudnn.converter.cli import main; sys.exit(main(['compare', 'a.onnx']))",
    ],
)
def test_without_any_a_session_says_what_to_install(code: str) -> None:
    done = without_onnxruntime(code)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(onnxruntimes.MISSING), done.stderr
    assert "qudnn[gpu]" in onnxruntimes.MISSING and "qudnn[cpu]" in onnxruntimes.MISSING


def test_an_onnxruntime_that_is_broken_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__
    monkeypatch.delitem(sys.modules, "qudnn.custom_ops.session", raising=False)

    def fail(name: str, *arguments: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError("libfoo.so: no such file")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(ImportError, match="libfoo"), onnxruntimes.needed():
        __import__("onnxruntime")
