"""register: when it registers, when it does not, and what it says."""

import sys
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest

from qudnn import custom_ops
from qudnn.custom_ops import Obstacle, Registration, cuda, library, native

CPU = ["CPUExecutionProvider"]
CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


class Options(onnxruntime.SessionOptions):
    """Session options that write down what is registered with them."""

    def __init__(self) -> None:
        super().__init__()
        self.registered: list[str] = []

    def register_custom_ops_library(self, path: str) -> None:
        self.registered.append(path)


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
    assert custom_ops.register(options, providers) == Registration()
    assert custom_ops.register(options, providers)
    assert options.registered == [custom_ops.library_path()]


@pytest.mark.parametrize("providers", [CPU, [("CPUExecutionProvider", {})], ["TensorrtExecutionProvider"]])
@pytest.mark.filterwarnings("error")
def test_does_nothing_where_the_session_is_not_for_cuda(gpu_build: None, providers: Any) -> None:
    """Which is what the caller asked for: no warning."""
    options = Options()
    registration = custom_ops.register(options, providers)
    assert not registration
    assert registration.obstacle is Obstacle.PROVIDERS
    assert registration.reason == "CUDAExecutionProvider is not among the session's providers"
    assert options.registered == []


OBSTACLES: dict[Obstacle, tuple[dict[tuple[Any, str], object], str]] = {
    Obstacle.ONNXRUNTIME: (
        {(onnxruntime, "get_available_providers"): CPU},
        "has no CUDAExecutionProvider",
    ),
    Obstacle.NO_DRIVER: ({(cuda, "driver_present"): False}, "no NVIDIA driver"),
    Obstacle.OLD_DRIVER: (
        {(cuda, "driver_version"): (12, 4), (native, "no_usable_device"): "insufficient"},
        "driver is for CUDA 12.4, qudnn needs one for CUDA",
    ),
    Obstacle.LIBRARIES: ({(cuda, "load_libraries"): ["libcudnn.so.9"]}, "libcudnn.so.9 cannot be found"),
    Obstacle.NO_GPU: ({(native, "no_usable_device"): "too old"}, "no GPU that qudnn can use: too old"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("providers", [None, CUDA])
def test_what_is_in_the_way_is_said(
    gpu_build: None, monkeypatch: pytest.MonkeyPatch, obstacle: Obstacle, providers: Any
) -> None:
    machine, text = OBSTACLES[obstacle]
    for (where, name), value in machine.items():
        monkeypatch.setattr(where, name, lambda value=value: value)
    options = Options()
    with pytest.warns(RuntimeWarning, match="qudnn's operators stay off: ") as warned:
        registration = custom_ops.register(options, providers)
    assert not registration
    assert registration.obstacle is obstacle
    assert text in registration.reason
    (warning,) = warned
    assert registration.reason in str(warning.message)
    assert warning.filename == __file__
    assert options.registered == []


def test_an_old_driver_that_a_package_makes_new_enough(
    gpu_build: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA knows whether it runs; the version is asked for only where it does not."""
    monkeypatch.setattr(cuda, "driver_version", lambda: (12, 4))
    assert custom_ops.register(Options())


def test_a_module_that_cannot_be_loaded_is_said(gpu_build: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "qudnn.custom_ops.native", None)
    monkeypatch.delattr(custom_ops, "native")
    with pytest.warns(RuntimeWarning, match="library cannot be loaded"):
        assert custom_ops.register(Options()).obstacle is Obstacle.LIBRARIES


def test_providers_in_one_string_are_refused() -> None:
    providers: Any = "CUDAExecutionProvider"
    for call in (
        lambda: custom_ops.register(Options(), providers),
        lambda: custom_ops.InferenceSession(b"", providers=providers),
    ):
        with pytest.raises(TypeError, match=r"it has to be a list: \['CUDAExecutionProvider'\]"):
            call()


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
