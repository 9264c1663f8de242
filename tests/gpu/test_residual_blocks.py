"""Residual blocks on the GPU: one kernel and three plans are raced, give the same bits, and are kept."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import qudnn
from cases.bottleneck_op import FLOAT_RESNET50, MOBILENET_V2, RESNET50, STRIDED, bottleneck, depthwise
from cases.builder import by_id
from cases.op import OpCase
from qudnn.custom_ops import native, plans
from qudnn.custom_ops.options import Tune
from session import CPU, CUDA, assert_same_bits, outputs, run

pytestmark = pytest.mark.gpu

CASES = [
    RESNET50[1],
    RESNET50[3],
    STRIDED[2],
    FLOAT_RESNET50[2],
    FLOAT_RESNET50[4],
    MOBILENET_V2[3],
    MOBILENET_V2[8],
    bottleneck((9, 8), 128, 128, 256, "other_padding", padding_zero_point=5, reduced_zero_point=-128),
    depthwise((9, 8), 32, 64, 48, "clamped", adds=False, reduced_max=30, window_max=40, y_max=70),
]


@pytest.fixture(autouse=True)
def no_plans() -> None:
    assert plans.wait_for_tuning()
    plans.clear()


def session_of(case: OpCase, tune: Tune = "full", folder: Path | str = "") -> qudnn.InferenceSession:
    serialized = case.model().SerializeToString()
    return qudnn.InferenceSession(serialized, providers=[CUDA], tune=tune, cache_dir=folder)


def block_and_steps() -> tuple[plans.PlanInfo, list[plans.PlanInfo]]:
    listed = plans.list()
    (block,) = [plan for plan in listed if plan["problem"].startswith("block ")]
    return block, [plan for plan in listed if plan is not block]


def engine_of(case: OpCase) -> str:
    return "native_inverted_residual" if case.attributes["group"] > 1 else "native_bottleneck"


@pytest.mark.parametrize("case", CASES, ids=by_id)
@pytest.mark.parametrize("batch", [1, 8])
def test_the_fastest_of_both_ways(case: OpCase, batch: int, capfd: pytest.CaptureFixture[str]) -> None:
    inputs = case.inputs(batch)
    expected = run(case.model(), inputs, CPU).outputs
    assert_same_bits(outputs(session_of(case), inputs), expected)
    block, steps = block_and_steps()
    assert block["engine"] in (engine_of(case), "separate_steps")
    assert block["source"] == "tuned" and 0 < block["microseconds"] < 10_000
    assert 2 <= len(steps) <= 3 and {step["source"] for step in steps} == {"tuned"}
    replayed = native.replay(block["problem"], "", False)
    ran = {plan: microseconds for _, plan, refusal, _, microseconds, _ in replayed if not refusal}
    assert {differing for _, plan, _, differing, _, _ in replayed if plan in ran} == {0}
    assert len(ran) > 3 and {"separate_steps", "native_block"} < ran.keys()
    # Other tensors than those of the race, at another time.
    fastest = min(microseconds for plan, microseconds in ran.items())
    assert ran[block["plan"]] <= 1.25 * fastest + 1, ran
    assert "wrong result" not in capfd.readouterr().err


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_each_way_gives_the_same_bits(case: OpCase, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = case.inputs(2)
    expected = run(case.model(), inputs, CPU).outputs
    outputs(session_of(case), inputs)
    block, _ = block_and_steps()
    names = [plan for _, _, names in native.answers(block["problem"]) for plan in names]
    assert len(names) > 3
    for name in names:
        plans.clear()
        monkeypatch.setenv("QUDNN_ONLY", name)
        assert_same_bits(outputs(session_of(case), inputs), expected)
        assert block_and_steps()[0]["plan"] == name


@pytest.mark.parametrize("case", [RESNET50[3], MOBILENET_V2[3]], ids=by_id)
def test_kept_and_found_again(case: OpCase, tmp_path: Path) -> None:
    """The block's plan, and those of its convolutions where it runs them."""
    inputs = case.inputs(8)
    expected = run(case.model(), inputs, CPU).outputs
    outputs(session_of(case, folder=tmp_path), inputs)
    chosen = block_and_steps()[0]["plan"]
    for tune in get_args(Tune):
        plans.clear()
        assert_same_bits(outputs(session_of(case, tune, tmp_path), inputs), expected)
        block, steps = block_and_steps()
        assert (block["plan"], block["source"]) == (chosen, "disk")
        assert {step["source"] for step in steps} <= {"disk"}
        assert bool(steps) == (chosen == "separate_steps")
        counted = plans.statistics()
        assert (counted["builds"], counted["pending"]) == (0, 0)


def test_a_workspace_that_is_too_small() -> None:
    """What is between the convolutions does not fit; the kernel keeps it to itself."""
    case = RESNET50[3]
    serialized = case.model().SerializeToString()
    session = qudnn.InferenceSession(serialized, providers=[CUDA], workspace_limit=1024, cache_dir="")
    assert_same_bits(outputs(session, case.inputs()), run(case.model(), case.inputs(), CPU).outputs)
    (plan,) = plans.list()
    assert plan["engine"] == "native_bottleneck"


@pytest.mark.parametrize("case", [RESNET50[3], MOBILENET_V2[3]], ids=by_id)
def test_tuned_aside(case: OpCase) -> None:
    inputs = case.inputs(8)
    expected = run(case.model(), inputs, CPU).outputs
    session = session_of(case, "background")
    for _ in range(3):
        assert_same_bits(outputs(session, inputs), expected)
    assert plans.wait_for_tuning()
    assert_same_bits(outputs(session, inputs), expected)
    block, steps = block_and_steps()
    assert {plan["source"] for plan in (block, *steps)} == {"tuned"}
    assert plans.statistics()["swapped"] == 1 + len(steps)


@pytest.mark.parametrize("case", [RESNET50[3], MOBILENET_V2[3]], ids=by_id)
def test_in_a_cuda_graph(case: OpCase) -> None:
    serialized = case.model().SerializeToString()
    session = qudnn.InferenceSession(serialized, providers=[CUDA], cuda_graph=True, cache_dir="")
    for by in range(4):
        inputs = {name: np.roll(value, by, axis=1) for name, value in case.inputs(2).items()}
        assert_same_bits(outputs(session, inputs), run(case.model(), inputs, CPU).outputs)
