"""QudnnExecutionProvider on the CPU; gpu/test_provider_gpu.py has it beside the CUDA provider."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from cases import graph
from qudnn import converter, custom_ops
from qudnn.custom_ops import provider
from session import CPU, assert_same_bits, open_session, outputs
from versions import environments

LIBRARY = custom_ops.library_path()
CASE = graph.CASES[0]

# Run where there are onnxruntime and numpy only, and no GPU is seen.
PROBE = """
import json, sys
import numpy as np, onnxruntime as ort

folder, library = sys.argv[1:]
ort.register_execution_provider_library("qudnn", library)
devices = [device for device in ort.get_ep_devices() if device.ep_name == "QudnnExecutionProvider"]
options = ort.SessionOptions()
options.enable_profiling = True
options.profile_file_prefix = folder + "/profile"
options.add_provider_for_devices(devices, {"tune": "cached", "workspace_limit": "256M", "cache_dir": ""})
session = ort.InferenceSession(folder + "/model.onnx", options)
np.savez(folder + "/results.npz", y=session.run(["y"], dict(np.load(folder + "/inputs.npz")))[0])
events = json.load(open(session.end_profiling()))
ran = [event["args"]["op_name"] for event in events if event["name"].endswith("_kernel_time")]
print(json.dumps({"devices": len(devices), "providers": session.get_providers(), "ran": ran}))
"""


def probe(python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    model = converter.convert(CASE.model()).model
    onnx.save(model, folder / "model.onnx")
    np.savez(folder / "inputs.npz", x=CASE.inputs()["x"])
    return subprocess.run(
        [python, "-I", "-c", PROBE, str(folder), LIBRARY],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )


@pytest.mark.parametrize("version", ["1.24.4", environments.VERSIONS[-1]])
def test_without_a_gpu_the_function_bodies_run(version: str, tmp_path: Path) -> None:
    try:
        python = environments.python(version)
    except RuntimeError as error:
        pytest.skip(str(error))
    done = probe(str(python), tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["devices"] == 1
    assert found["providers"] == ["QudnnExecutionProvider", CPU]
    assert "QLinearConv" in found["ran"]  # as the body of QConv has it
    assert "QConv" not in found["ran"]
    assert "no operators of qudnn, models run on their function bodies: " in done.stderr
    original = outputs(open_session(CASE.model(), CPU), CASE.inputs())
    assert_same_bits(dict(np.load(tmp_path / "results.npz")), original)


def options_with(**given: str) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.add_provider_for_devices([custom_ops.register_provider()], given)
    return options


def opened(options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """Of a model without operators of qudnn, which opens on any machine."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { y = Relu(x) }'
    )
    return onnxruntime.InferenceSession(model.SerializeToString(), options, enable_fallback=0)


def test_the_device_is_always_the_same_one() -> None:
    names = [custom_ops.register_provider().ep_name for _ in range(2)]
    assert names == [provider.PROVIDER] * 2
    known = [device for device in onnxruntime.get_ep_devices() if device.ep_name == provider.PROVIDER]
    assert len(known) == 1
    assert known[0].device.type == onnxruntime.OrtHardwareDeviceType.CPU
    session = opened(options_with(tune="heuristic", workspace_limit="1.5 GiB", cache_dir=""))
    assert session.get_providers() == [provider.PROVIDER, CPU]
    assert session.run(None, {"x": [-1.0, 2.0]})[0].tolist() == [0.0, 2.0]


BAD: list[tuple[dict[str, str], str]] = [
    ({"tune": "fast"}, "tune is 'full', 'background', 'heuristic' or 'cached', not 'fast'"),
    ({"workspace_limit": "much"}, "ep.qudnnexecutionprovider.workspace_limit is a number of bytes, as in"),
    ({"cache": "plans"}, "there is no option 'cache', but tune, workspace_limit and cache_dir"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[next(iter(given)) for given, _ in BAD])
def test_bad_options_are_refused(given: dict[str, str], message: str) -> None:
    with pytest.raises(Exception, match="QudnnExecutionProvider") as raised:
        opened(options_with(**given))
    assert message in str(raised.value)


def test_options_come_before_entries_and_entries_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUDNN_TUNE", "fast")
    with pytest.raises(Exception, match="QUDNN_TUNE is 'full'"):
        opened(options_with())
    options = options_with()
    options.add_session_config_entry("qudnn.tune", "slow")
    with pytest.raises(Exception, match=r"qudnn\.tune is 'full'"):
        opened(options)
    options = options_with(tune="full")
    options.add_session_config_entry("qudnn.tune", "slow")
    opened(options)


def test_an_onnxruntime_without_such_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        __version__ = "1.20.1"

    old: Any = Old()
    monkeypatch.setattr(provider, "onnxruntime", old)
    with pytest.raises(
        RuntimeError, match=r"needs onnxruntime 1\.24 or newer, this is 1\.20\.1: use qudnn\.register"
    ):
        custom_ops.register_provider()
