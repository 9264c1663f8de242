"""Problems by themselves on the GPU: every plan has the reference's bits; and plans that are forced."""

from pathlib import Path

import onnxruntime
import pytest

import qudnn
from cases import op
from qudnn.converter.cli import main
from qudnn.custom_ops import native, plans
from session import CPU, CUDA, assert_same_bits, outputs, run, session_options

pytestmark = pytest.mark.gpu

CONV = "conv n=2 h=14 w=14 c=64 k=64 r=3 s=3 pad_top=1 pad_left=1 pad_bottom=1 pad_right=1"
PROBLEMS = (
    CONV,
    f"{CONV} pads_with_value=1 clamps_above=1",
    f"{CONV} adds=1",
    f"{CONV} adds=2",
    f"{CONV} looks_up=1",
    f"{CONV} y_type=6",
    *(f"{CONV} group={group}" for group in (2, 4, 8)),
    f"{CONV} group=4 looks_up=1",
    "conv n=3 h=21 w=18 c=96 k=96 r=3 s=3 stride_h=2 stride_w=2 pad_left=1 group=3",
    "conv n=3 h=21 w=18 c=80 k=80 r=3 s=3 stride_h=2 stride_w=2 pad_left=1 group=5 looks_up=1",
    f"{CONV} alignment=4",
    "conv n=1 h=32 w=32 c=4 k=64 r=7 s=7 stride_h=2 stride_w=2",
    "conv n=1 h=16 w=16 c=64 k=64 r=3 s=3 group=64",
    "conv n=1 h=8 w=8 c=64 k=64 y_pad_top=1 y_pad_left=1 y_pad_bottom=1 y_pad_right=1",
    "conv n=1 h=8 w=8 c=64 k=64 y_pad_top=1 y_pad_left=1 y_pad_bottom=1 y_pad_right=1 looks_up=1",
    "conv n=1 h=16 w=16 c=64 k=64 r=3 s=3 group=64 looks_up=1",
    "conv n=1 h=16 w=16 c=64 k=64 r=3 s=3 group=64 y_pad_top=2 y_pad_right=1 looks_up=1",
    "conv n=1 h=32 w=32 c=4 k=64 r=7 s=7 stride_h=2 stride_w=2 looks_up=1",
    "conv3d n=1 d=6 h=8 w=8 c=32 k=32 t=3 r=3 s=3",
    "matmul m=128 k=256 c=256",
    "matmul m=128 k=256 c=256 looks_up=1",
    "matmul m=131 k=200 c=100 looks_up=1 alignment=4",
    "matmul m=128 k=256 c=256 adds_constant=1",
    "matmul m=1 k=256 c=256 adds_constant=1 clamps_above=1",
    "matmul m=131 k=200 c=100 adds_constant=1 alignment=4",
    "matmul m=128 k=256 c=256 adds_constant=1 looks_up=1",
    "matmul m=131 k=72 c=96 adds_constant=1 looks_up=1",
    "matmul m=128 k=256 c=256 y_type=1",
    "matmul m=128 k=256 c=256 y_type=6",
    "matmul m=128 k=256 c=256 zero_point_per_channel=1",
    "batch_matmul batch_1=2 batch_2=3 m=64 n=64 k=64",
    "batch_matmul batch_2=3 m=64 n=48 k=64 b_transposed=1 y_type=1",
    "batch_matmul batch_2=3 m=64 n=48 k=64 y_type=6",
    "block n=2 h=14 w=14 c=256 m=64 k=256 adds=1",
    "block n=2 h=14 w=14 c=256 m=64 k=256 adds=1 pads_with_value=1 clamps_window=1",
    "block n=3 h=15 w=13 c=192 m=128 k=512 stride=2 adds=1 pads_with_value=1 first_pads=1 clamps_above=1",
    "block n=2 h=14 w=14 c=256 m=64 k=256 pads_with_value=1 first_pads=1 clamps_first=1",
    "block n=2 h=14 w=14 c=48 m=96 k=64 depthwise=1",
    "block n=2 h=13 w=15 c=48 m=96 k=64 depthwise=1 stride=2 adds=1 pads_with_value=1 clamps_first=1",
    "block n=2 h=14 w=14 c=64 m=64 k=64 adds=1 alignment=4",
)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_plan_has_the_same_bits(problem: str) -> None:
    full, _ = native.read_problem(problem)
    replayed = native.replay(full, "", False)
    ran = [each for each in replayed if each[1] and not each[2]]
    references = [each for each in ran if each[5]]
    assert len(references) == 1
    assert {engine for engine, *_ in replayed} == {engine for engine, *_ in native.answers(full)}
    for engine, plan, _, differing, microseconds, _ in ran:
        assert differing == 0, (engine, plan)
        assert microseconds > 0, (engine, plan)
    for engine, plan, refusal, *_ in replayed:
        assert plan or refusal, engine


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", CONV]) == 0
    out = capsys.readouterr().out
    assert "the reference" in out and "same" in out


def test_one_plan_alone() -> None:
    full, _ = native.read_problem(CONV)
    replayed = native.replay(full, "", False)
    engine, plan, *_ = next(each for each in replayed if each[1] and not each[2] and not each[5])
    assert [each[:2] for each in native.replay(full, plan, False)] == [(engine, plan)]
    assert {each[0] for each in native.replay(full, engine, False)} == {engine}


def test_a_session_runs_what_is_forced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each engine that has a plan for a convolution, by turns; nothing of it is kept."""
    case = op.conv("forced", c=64, k=64, size=(28, 28), pads=[1, 1, 1, 1])
    expected = run(case.model(), case.inputs(), CPU).outputs

    def chosen() -> tuple[str, str, str]:
        """The problem, engine and plan of a session of its own."""
        plans.clear()
        options = session_options(case.model())
        assert qudnn.register(options, [CUDA], cache_dir=str(tmp_path))
        session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=[CUDA])
        assert_same_bits(outputs(session, case.inputs()), expected)
        (info,) = plans.list()
        return info["problem"], info["engine"], info["plan"]

    problem, best, best_plan = chosen()
    (kept,) = plans.stored(tmp_path)
    assert (kept["engine"], kept["plan"]) == (best, best_plan)
    engines = [engine for engine, refusal, names in native.answers(problem) if names and not refusal]
    assert len(engines) > 1
    for engine in engines:
        monkeypatch.setenv("QUDNN_ONLY", engine)
        assert chosen()[1] == engine
    monkeypatch.setenv("QUDNN_ONLY", best_plan)
    assert chosen()[1:] == (best, best_plan)
    assert len(plans.stored(tmp_path)) == 1


def test_what_has_no_such_plan_says_why(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUDNN_ONLY", "native_stem")
    case = op.conv("declined", c=64, k=64, size=(28, 28), pads=[1, 1, 1, 1])
    plans.clear()
    options = session_options(case.model())
    options.log_severity_level = 2
    assert qudnn.register(options, [CUDA], cache_dir="")
    session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=[CUDA])
    assert_same_bits(outputs(session, case.inputs()), run(case.model(), case.inputs(), CPU).outputs)
    assert "QUDNN_ONLY=native_stem; native_stem: not 4 channels" in capfd.readouterr().err


def test_a_session_explains_its_plans(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Once by the tuning, and once more by a plan from the folder."""
    monkeypatch.setenv("QUDNN_EXPLAIN", "1")
    case = op.conv("explained", c=64, k=64, size=(28, 28), pads=[1, 1, 1, 1])
    expected = run(case.model(), case.inputs(), CPU).outputs
    for ends in (" us, chosen", "; not timed again"):
        plans.clear()
        options = session_options(case.model())
        options.log_severity_level = 2
        assert qudnn.register(options, [CUDA], cache_dir=str(tmp_path))
        session = onnxruntime.InferenceSession(case.model().SerializeToString(), options, providers=[CUDA])
        assert_same_bits(outputs(session, case.inputs()), expected)
        lines = capfd.readouterr().err.splitlines()
        assert "    native_stem: not 4 channels" in lines
        (plan,) = (info["plan"] for info in plans.list())
        assert any(line.startswith(f"    {plan}: ") and line.endswith(ends) for line in lines), lines
