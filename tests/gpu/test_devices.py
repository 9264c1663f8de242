"""The GPU on which ops run, and which GPU is the thread's current one after them."""

import ctypes

import onnx
import onnxruntime
import pytest

from cases import graph, op
from cases.builder import GraphBuilder
from qudnn import converter, custom_ops
from qudnn.custom_ops import plans
from session import CPU, CUDA, assert_same_bits, outputs, run, session_options

pytestmark = pytest.mark.gpu

CASE = graph.CASES[0]


@pytest.fixture
def runtime() -> ctypes.CDLL:
    return ctypes.CDLL(f"libcudart.so.{onnxruntime.cuda_version.partition('.')[0]}")


def standard() -> onnx.ModelProto:
    """Standard operators, all on the GPU, on the inputs of CASE.

    Those on the CPU between them would need events, which onnxruntime 1.31.1 records with the thread's device
    current instead of the session's.
    """
    g = GraphBuilder()
    shape = ("N", 3, 32, 32)
    g.output(g.node("Relu", [g.input("x", "float32", shape)], "y"), "float32", shape)
    return g.model(13)


def count(runtime: ctypes.CDLL) -> int:
    number = ctypes.c_int()
    assert runtime.cudaGetDeviceCount(ctypes.byref(number)) == 0
    return number.value


def current(runtime: ctypes.CDLL) -> int:
    device = ctypes.c_int(-1)
    assert runtime.cudaGetDevice(ctypes.byref(device)) == 0
    return device.value


def session_on(
    model: bytes, device: int, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    providers = [(CUDA, {"device_id": str(device)})]
    session = onnxruntime.InferenceSession(model, options, providers=providers)
    assert session.get_providers()[0] == CUDA
    return session


@pytest.mark.parametrize("mode", ["ORT_SEQUENTIAL", "ORT_PARALLEL"])
@pytest.mark.parametrize(("before", "device"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_the_current_device_is_what_onnxruntime_leaves(
    runtime: ctypes.CDLL, before: int, device: int, mode: str
) -> None:
    """Ops and the tuning of their plans leave the device that standard operators leave.

    Whatever the current one is: onnxruntime's threads do not all have the session's.
    """
    if max(before, device) >= count(runtime):
        pytest.skip("there is one GPU only")
    converted = converter.convert(CASE.model()).model
    left = []
    for model in (standard(), converted):
        options = session_options(model)
        options.execution_mode = getattr(onnxruntime.ExecutionMode, mode)
        if model is converted:
            assert custom_ops.register(options, [CUDA], cache_dir="")
        plans.clear()
        session = session_on(model.SerializeToString(), device, options)
        for _ in range(2):  # the second run has its plans
            assert runtime.cudaSetDevice(before) == 0
            found = outputs(session, CASE.inputs(3))
            left.append(current(runtime))
        if model is converted:
            assert_same_bits(found, run(converted, CASE.inputs(3), CPU).outputs)
            assert plans.statistics()["builds"] > 0
    assert runtime.cudaSetDevice(0) == 0
    assert left[:2] == left[2:]


def test_each_device_has_plans_of_its_own(runtime: ctypes.CDLL) -> None:
    """Two sessions, run in turns by one thread."""
    if count(runtime) < 2:
        pytest.skip("there is one GPU only")
    case = op.conv("devices", c=32, k=32, size=(14, 14))
    expected = run(case.model(), case.inputs()).outputs
    plans.clear()
    sessions = []
    for device in range(2):
        options = session_options(case.model())
        assert custom_ops.register(options, [CUDA], cache_dir="")
        sessions.append(session_on(case.model().SerializeToString(), device, options))
    for _ in range(3):
        for session in sessions:
            assert_same_bits(outputs(session, case.inputs()), expected)
    assert plans.statistics()["builds"] == plans.statistics()["entries"] == 2
    assert runtime.cudaSetDevice(0) == 0
