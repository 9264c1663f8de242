"""What the tuner says of an op that it tunes, and what becomes of the plan."""

from pathlib import Path

import onnxruntime
import pytest

from cases.op import OpCase
from qudnn import custom_ops
from qudnn.custom_ops import plans
from qudnn.custom_ops.plans import PlanInfo
from session import CPU, CUDA, assert_same_bits, outputs, run, session_options


def tuned(case: OpCase, capfd: pytest.CaptureFixture[str]) -> str:
    """Its line in the log, of a run that tuned anew and gave the right bits.

    It tells which candidates the tuner dropped, and which engines had none.
    """
    plans.clear()
    options = session_options(case.model())
    options.log_severity_level = 1
    assert custom_ops.register(options, [CUDA], cache_dir="", tune="full")
    session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=[CUDA])
    assert_same_bits(outputs(session, case.inputs()), run(case.model(), case.inputs(), CPU).outputs)
    told = [line for line in capfd.readouterr().err.splitlines() if "y_node: " in line and ", for " in line]
    assert len(told) == 1, told
    return told[0]


def stored_and_read_back(case: OpCase, folder: Path) -> PlanInfo:
    """The plan that one session tunes and stores, and another reads; both give the right bits."""
    expected = run(case.model(), case.inputs(), CPU).outputs
    found: list[PlanInfo] = []
    for source in ("tuned", "disk"):
        plans.clear()
        options = session_options(case.model())
        assert custom_ops.register(options, [CUDA], cache_dir=str(folder))
        session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=[CUDA])
        assert_same_bits(outputs(session, case.inputs()), expected)
        found += plans.list()
        assert found[-1]["source"] == source
    first, second = found
    (stored,) = plans.stored(folder)
    assert first["plan"] == second["plan"] == stored["plan"]
    return second
