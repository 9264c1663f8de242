"""QudnnExecutionProvider beside the CUDA provider: kernels run, options of the provider reach them."""

from collections import Counter
from pathlib import Path

import onnx
import onnxruntime
import pytest

from cases import graph
from qudnn import converter, custom_ops
from qudnn.custom_ops import plans
from qudnn.custom_ops.profile import Kernel, kernels
from session import CUDA, assert_same_bits, outputs, run

pytestmark = pytest.mark.gpu

CASE = graph.CASES[0]


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return converter.convert(CASE.model()).model


@pytest.fixture(params=["by name", "by device", "as an argument"])
def way(request: pytest.FixtureRequest) -> str:
    """How the session gets the CUDA provider."""
    return str(request.param)


def open_with(model: onnx.ModelProto, way: str, folder: Path, **given: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    options.add_provider_for_devices([custom_ops.register_provider()], given)
    providers = None
    if way == "by name":
        options.add_provider(CUDA, {})
    elif way == "by device":
        devices = [device for device in onnxruntime.get_ep_devices() if device.ep_name == CUDA]
        if not devices:
            pytest.skip("this onnxruntime lists no device of the CUDA provider")
        options.add_provider_for_devices(devices[:1], {})
    else:
        providers = [CUDA]
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=providers, enable_fallback=0
    )


@pytest.mark.filterwarnings("ignore:Specified 'providers'")
def test_kernels_run_on_the_cuda_provider(model: onnx.ModelProto, way: str, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    session = open_with(model, way, tmp_path, tune="heuristic", workspace_limit="64M", cache_dir=str(folder))
    plans.clear()
    assert_same_bits(outputs(session, CASE.inputs()), run(model, CASE.inputs()).outputs)
    ran = kernels(session)
    expected = Counter(node.op_type for node in model.graph.node if node.domain == "qudnn")
    assert expected
    assert {op: ran[Kernel(CUDA, op)] for op in expected} == dict(expected)
    known = plans.stored(folder)
    assert known
    assert {info["workspace_limit"] for info in known} == {64 << 20}
    assert {info["source"] for info in known} == {"heuristic"}


@pytest.mark.filterwarnings("ignore:Specified 'providers'")
def test_sessions_have_their_own_options(model: onnx.ModelProto, way: str, tmp_path: Path) -> None:
    plans.clear()
    none = open_with(model, way, tmp_path, tune="cached", cache_dir="")
    with pytest.raises(Exception, match="cached"):
        outputs(none, CASE.inputs())
    other = open_with(model, way, tmp_path, tune="heuristic", cache_dir="", workspace_limit="1M")
    outputs(other, CASE.inputs())
    assert {info["workspace_limit"] for info in plans.list()} == {1 << 20}
