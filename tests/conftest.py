"""Fixtures and the `gpu` marker. README.md describes the layout of the tests."""

import os
from pathlib import Path
from typing import Any

import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from command import Run
from networks import Network

from no_gpu import why_no_gpu
from qudnn.converter.passes.base import Step
from qudnn.converter.passes.read.sort_nodes import SortNodes
from qudnn.custom_ops import cuda, native
from well_formed import fault_of

pytest.register_assert_rewrite("check", "session")

# Tests neither find nor leave plans in the user's folder; those about folders of plans give their own.
os.environ["QUDNN_CACHE_DIR"] = ""


class _Watch:
    """Lets each pass of each conversion end with a check of the model; of invalid ones nothing is asked."""

    def __init__(self) -> None:
        self._is_valid = True

    def __call__(self, step: Step[Any], model: ir.Model) -> None:
        if not self._is_valid and not isinstance(step, SortNodes):
            return
        fault = fault_of(model)
        self._is_valid = fault is None
        if fault is not None and not isinstance(step, SortNodes):
            pytest.fail(f"after {type(step).__name__}: {fault}")


@pytest.fixture(autouse=True)
def _watch_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, call = _Watch(), Step.__call__

    def watched(step: Step[Any], model: ir.Model) -> None:
        call(step, model)
        watch(step, model)

    monkeypatch.setattr(Step, "__call__", watched)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-gpu", action="store_true", help="fail where the GPU tests would be skipped")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reason = why_no_gpu()
    if reason is None:
        return
    if config.getoption("--require-gpu"):
        raise pytest.UsageError(f"--require-gpu: {reason}")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command; gives its exit status and what it printed."""
    return Run(capsys)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with a model of one convolution."""
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 64)
    onnx.save(net.model(13), tmp_path / "in.onnx")
    return tmp_path / "in.onnx"


@pytest.fixture
def gpu_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime as if built for CUDA; driver, libraries and GPU as if there. Nothing can run on it."""
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(cuda, "driver_present", lambda: True)
    monkeypatch.setattr(cuda, "driver_version", lambda: (13, 0))
    monkeypatch.setattr(cuda, "load_libraries", lambda: [])
    monkeypatch.setattr(native, "no_usable_device", lambda: "")
