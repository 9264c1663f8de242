"""tune="background" on the GPU: a guess at once, the fastest plans later, the same bits all the time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

from cases import graph, op
from cases.builder import Array
from qudnn import converter, custom_ops
from qudnn.custom_ops import plans
from session import CPU, CUDA, assert_same_bits, outputs, run

pytestmark = pytest.mark.gpu

CASE = graph.CASES[0]
PROVIDERS = [CUDA, CPU]


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return converter.convert(CASE.model()).model


@pytest.fixture(autouse=True)
def no_plans() -> None:
    assert plans.wait_for_tuning()
    plans.clear()


def shifted(batch: int, by: float) -> dict[str, Array]:
    """The case's inputs, other ones for each `by`."""
    return {"x": np.roll(CASE.inputs(batch)["x"], round(by * 100)) + np.float32(by)}


def test_bits_stay_while_plans_are_swapped(model: onnx.ModelProto) -> None:
    session = custom_ops.InferenceSession(
        model.SerializeToString(), providers=PROVIDERS, tune="background", cache_dir=""
    )
    sources = set()
    for by in range(200):
        values = shifted(4, by % 3)
        assert_same_bits(outputs(session, values), run(model, values, CPU).outputs)
        sources |= {plan["source"] for plan in plans.list()}
        if plans.statistics()["pending"] == 0:
            break
    assert plans.wait_for_tuning()
    assert "heuristic" in sources
    assert {plan["source"] for plan in plans.list()} == {"tuned"}
    counted = plans.statistics()
    assert counted["swapped"] == counted["entries"] == len(plans.list())
    assert counted["pending"] == 0
    for by in range(3):
        assert_same_bits(outputs(session, shifted(4, by)), run(model, shifted(4, by), CPU).outputs)


def test_tuned_plans_are_stored_and_guesses_give_way(model: onnx.ModelProto, tmp_path: Path) -> None:
    session = custom_ops.InferenceSession(
        model.SerializeToString(), providers=PROVIDERS, tune="background", cache_dir=tmp_path
    )
    outputs(session, CASE.inputs(2))
    assert plans.wait_for_tuning()
    assert {plan["source"] for plan in plans.stored(tmp_path)} == {"tuned"}
    plans.clear()
    outputs(session, CASE.inputs(2))
    counted = plans.statistics()
    assert (counted["builds"], counted["pending"], counted["swapped"]) == (0, 0, 0)


def test_a_new_batch_size_starts_from_the_nearest() -> None:
    case = op.conv("nearest", c=64, k=64, size=(28, 28), pads=[1, 1, 1, 1])
    serialized = case.model().SerializeToString()
    session = custom_ops.InferenceSession(serialized, providers=PROVIDERS, tune="background", cache_dir="")
    outputs(session, case.inputs(16))
    assert plans.wait_for_tuning()
    (best,) = plans.list()
    assert_same_bits(outputs(session, case.inputs(17)), run(case.model(), case.inputs(17), CPU).outputs)
    guesses = [plan for plan in plans.list() if plan["source"] == "heuristic"]
    assert [plan["plan"] for plan in guesses] in ([best["plan"]], [])  # it may be tuned already


def test_graphs_are_captured_with_the_fastest_plans(model: onnx.ModelProto) -> None:
    session = custom_ops.InferenceSession(
        model.SerializeToString(), providers=PROVIDERS, tune="background", cache_dir="", cuda_graph=True
    )
    assert session._graphs is not None
    outputs(session, shifted(3, 0))
    assert session._graphs.captured == 0
    assert plans.wait_for_tuning()
    for by in range(4):
        assert_same_bits(outputs(session, shifted(3, by)), run(model, shifted(3, by), CPU).outputs)
    assert session._graphs.captured == 1


IN_A_PROCESS = """
import sys, time
import numpy as np
from qudnn import custom_ops
from qudnn.custom_ops import plans

model, inputs, how = sys.argv[1:]
session = custom_ops.InferenceSession(
    model, providers=["CUDAExecutionProvider", "CPUExecutionProvider"], tune="background", cache_dir=""
)
session.run(None, dict(np.load(inputs)))
assert plans.statistics()["pending"] > 0
print("running", flush=True)
if how == "interrupt":
    while True:
        session.run(None, dict(np.load(inputs)))
"""


@pytest.mark.parametrize("how", ["return", "interrupt"])
def test_a_process_ends_while_it_tunes(how: str, model: onnx.ModelProto, tmp_path: Path) -> None:
    onnx.save_model(model, tmp_path / "model.onnx")
    np.savez(tmp_path / "inputs.npz", allow_pickle=False, **CASE.inputs(8))
    files = [str(tmp_path / name) for name in ("model.onnx", "inputs.npz")]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", IN_A_PROCESS, *files, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n", process.communicate()[1]
    start = time.monotonic()
    if how == "interrupt":
        process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGINT if how == "interrupt" else 0), error
    assert ("KeyboardInterrupt" in error) == (how == "interrupt")
    assert time.monotonic() - start < 20
