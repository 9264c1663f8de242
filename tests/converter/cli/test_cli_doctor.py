"""`qudnn doctor`: what it prints, and its exit status."""

import builtins
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from command import Run
from networks import Network

from no_gpu import why_no_gpu
from qudnn import custom_ops
from qudnn.converter.cli import runtime
from qudnn.custom_ops import cuda, facts, native, nvml


@pytest.fixture
def well(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which all fits, as far as can be told without using its GPU."""
    built = {"qudnn": "0.1.0", "cuda": "13.0.88", "cudnn": "9.19.0", "architectures": "90-real"}
    gpu = nvml.Gpu("NVIDIA H200", (9, 0), 140 << 30)
    monkeypatch.setattr(nvml, "ask", lambda: nvml.Answer("580.65.06", (gpu,)))
    monkeypatch.setattr(native, "versions", lambda: built)
    monkeypatch.setattr(cuda, "runtime_version", lambda: "13.0")
    monkeypatch.setattr(cuda, "cudnn_version", lambda: "9.19.0")
    monkeypatch.setattr(facts, "_distributions", lambda: {"onnxruntime-gpu": "1.31.1"})
    monkeypatch.setattr("onnxruntime.cuda_version", "13.0", raising=False)
    return monkeypatch


def test_where_all_is_well(run: Run, well: pytest.MonkeyPatch, tmp_path: Path) -> None:
    status, out, err = run("doctor", "--cache-dir", tmp_path / "plans")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["fits", name] for name in ("GPU", "driver", "onnxruntime", "CUDA", "cuDNN", "libqudnn", "plans")
    ]
    assert lines[0] == "fits   GPU          NVIDIA H200, compute capability 9.0, 140 GiB"
    assert not (tmp_path / "plans").exists()


def test_what_is_wrong_has_a_remedy_and_a_status(run: Run, well: pytest.MonkeyPatch, tmp_path: Path) -> None:
    well.setattr(cuda, "driver_version", lambda: (12, 4))
    well.setattr(native, "no_usable_device", lambda: "insufficient")
    well.setattr(cuda, "cudnn_version", lambda: "")
    well.setattr(cuda, "other_cudnn", lambda: ["libcudnn.so.8"])
    status, out, err = run("doctor", "--cache-dir", tmp_path)
    assert status == 1
    assert err == "qudnn: 3 of 7 parts are not as they should be: driver, cuDNN, libqudnn\n"
    lines = out.splitlines()
    wrong = next(index for index, line in enumerate(lines) if line.startswith("wrong  driver"))
    assert lines[wrong + 1].split("-> ")[1].startswith("install a newer driver")
    assert "libcudnn.so.8 is of another major version" in out


def test_quiet(run: Run, well: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run("doctor", "-q", "--cache-dir", tmp_path) == (0, "", "")


def test_the_document(run: Run, well: pytest.MonkeyPatch, tmp_path: Path) -> None:
    document = run.json("doctor", "--cache-dir", tmp_path)
    assert document["well"] is True
    assert document["kernels"] is None
    assert document["facts"]["gpus"] == [["NVIDIA H200", [9, 0], 140 << 30]]
    assert {check["state"] for check in document["checks"]} == {"fits"}
    well.setattr(cuda, "load_libraries", lambda: ["libcurand.so.10"])
    document = run.json("doctor", "--cache-dir", tmp_path, status=1)
    assert document["well"] is False
    (wrong,) = [check for check in document["checks"] if check["state"] == "wrong"]
    assert wrong["name"] == "CUDA"
    assert wrong["remedy"].startswith("`pip install onnxruntime-gpu[cuda,cudnn]`")


def test_onnxruntime_that_cannot_be_imported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("qudnn.custom_ops.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("facts", "checkup"):
        monkeypatch.delattr(custom_ops, name, raising=False)
    real: Callable[..., Any] = builtins.__import__

    def fail(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] == "onnxruntime":
            raise ImportError("libfoo.so: no such file")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", fail)
    message = run.fails("doctor")
    assert message.startswith("onnxruntime cannot be imported (libfoo.so: no such file): `pip install")


@pytest.fixture
def without_a_gpu(well: pytest.MonkeyPatch) -> None:
    well.setattr(runtime, "why_no_gpu", lambda: "no driver")


@pytest.mark.usefixtures("without_a_gpu")
def test_a_model_without_a_gpu(run: Run, source: Path, tmp_path: Path) -> None:
    status, out, _ = run("doctor", source, "--cache-dir", tmp_path)
    assert status == 0
    (line,) = [line for line in out.splitlines() if line.startswith("note   model")]
    assert "not run, for there is no GPU that qudnn can use" in line
    assert "1 node (QConv 1) would run on qudnn's kernels" not in line  # its entry is a node as well
    assert "QConv 1" in line


@pytest.mark.usefixtures("without_a_gpu")
def test_a_model_with_nothing_to_convert(run: Run, tmp_path: Path) -> None:
    net = Network()
    net.node("Relu", [net.input("x", "float32", [1, 3])], net.unshaped_output("y", "float32", 2))
    onnx.save(net.model(13), tmp_path / "relu.onnx")
    status, out, err = run("doctor", tmp_path / "relu.onnx", "--cache-dir", tmp_path)
    assert (status, err) == (1, "qudnn: 1 of 8 parts are not as they should be: model\n")
    assert "nothing in the model converts: see `qudnn inspect`" in out


def test_shapes_without_a_model(run: Run) -> None:
    assert run.fails("doctor", "--shape=x=1") == "--shape is about a model's inputs: give MODEL"


@pytest.mark.skipif(why_no_gpu() is None, reason="there is a GPU")
def test_this_machine_without_a_gpu(run: Run) -> None:
    status, out, err = run("doctor")
    assert status == 1
    assert "parts are not as they should be: " in err
    assert "wrong" in out
