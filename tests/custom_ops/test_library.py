"""register: when it registers, when it does not, and what it says."""

from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

import custom_ops
from custom_ops import cuda, library

CPU = ["CPUExecutionProvider"]
CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


class Options(onnxruntime.SessionOptions):
    """Session options that write down what is registered with them."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: list[str] = []

    def register_custom_ops_library(self, path: str) -> None:
        self.registered.append(path)


@pytest.fixture
def gpu_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime as if built for CUDA, CUDA's libraries as if all were there."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: CUDA)
    monkeypatch.setattr(cuda, "load_libraries", lambda: [])


def test_the_library_is_there() -> None:
    assert Path(custom_ops.library_path()).read_bytes().startswith(b"\x7fELF")


def test_a_missing_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(custom_ops, "__path__", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match="pip install") as error:
        custom_ops.library_path()
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("providers", [None, [], CUDA, [("CUDAExecutionProvider", {"device_id": "0"})]])
def test_registers_once(gpu_build: None, providers: Any) -> None:
    options = Options()
    assert custom_ops.register(options, providers)
    assert custom_ops.register(options, providers)
    assert options.registered == [custom_ops.library_path()]


@pytest.mark.parametrize("providers", [CPU, [("CPUExecutionProvider", {})], ["TensorrtExecutionProvider"]])
def test_does_nothing_where_the_session_is_not_for_cuda(gpu_build: None, providers: Any) -> None:
    options = Options()
    assert not custom_ops.register(options, providers)
    assert options.registered == []


def test_does_nothing_in_a_build_without_cuda(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: CPU)
    options = Options()
    assert not custom_ops.register(options)
    assert not custom_ops.register(options, CUDA)
    assert options.registered == []


def test_a_gpu_without_its_libraries_is_a_warning(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "load_libraries", lambda: ["libcudnn.so.9"])
    monkeypatch.setattr(cuda, "driver_present", lambda: True)
    options = Options()
    with pytest.warns(RuntimeWarning, match=r"libcudnn\.so\.9"):
        assert not custom_ops.register(options)
    assert options.registered == []


def test_options_are_not_kept_alive(gpu_build: None) -> None:
    known = len(library._registered)
    options = Options()
    custom_ops.register(options)
    assert len(library._registered) == known + 1
    del options
    assert len(library._registered) == known


def test_the_real_library_registers_and_a_session_opens_quietly(capfd: pytest.CaptureFixture[str]) -> None:
    """On a machine without a GPU it adds no operator; with one, an ordinary model does not mind."""
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(custom_ops.library_path())
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }'
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=CPU)
    assert session.run(None, {"x": [-1.0, 2.0]})[0].tolist() == [0.0, 2.0]
    assert capfd.readouterr().err == ""
