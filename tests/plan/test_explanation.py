"""What the log says of a chosen plan, and why it is this one. No GPU: tests tell what plans came to."""

import os

import pytest
import testing

from qudnn.custom_ops import native

DEPTHWISE = testing.ConvProblem(
    **{"n": 2, "h": 30, "w": 28, "c": 64, "k": 64, "r": 3, "s": 3, "p": 28, "q": 26, "group": 64},
    **{"x_stride_n": 30 * 28 * 64, "x_stride_h": 28 * 64, "x_stride_w": 64, "x_stride_c": 1},
)
DP4A = "native_depthwise dp4a"  # the one plan that needs no GPU to be offered, and no cuDNN
OUT = "wrong result, 12 bytes differ"


@pytest.fixture(autouse=True)
def explain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_EXPLAIN", "1")
    monkeypatch.delenv("QUDNN_ONLY", raising=False)


def lines(*outcomes: tuple[str, float | str]) -> list[str]:
    """The explanation's lines; the log has one line on the choice before it."""
    log = testing.log_of_tuning("c1", str(DEPTHWISE), list(outcomes), "native_conv", 100.0)
    assert [level for level, _ in log] == ["info", "warning"]
    return log[1][1].splitlines()


def test_every_engine_that_declines_has_a_line() -> None:
    heading, *rest = lines((DP4A, 12.0))
    assert heading == f"node c1: why {DP4A} runs {DEPTHWISE}"
    said = dict(line.strip().split(": ", 1) for line in rest)
    declines = {engine: refusal for engine, refusal, _ in native.answers(str(DEPTHWISE)) if refusal}
    # Plain engines are not asked: theirs is the reference.
    plain = {"native_matmul", "native_batch_matmul", "native_block"}
    assert len(declines) > 6
    assert {engine: said.get(engine) for engine in declines if engine not in plain} == {
        engine: refusal for engine, refusal in declines.items() if engine not in plain
    }
    assert said["native_window"] == "groups"


def test_what_came_of_each_plan() -> None:
    assert f"    {DP4A}: 12.0 us, chosen" in lines((DP4A, 12.0))
    assert lines((DP4A, 12.0))[-1] == "    native_conv: the others are compared with it; 100.0 us"
    assert f"    {DP4A}: {OUT}" in lines((DP4A, OUT))
    assert f"    {DP4A}: out of GPU memory for 12 bytes" in lines((DP4A, "out of GPU memory for 12 bytes"))
    assert f"    {DP4A}: not timed" in lines()


def test_a_slower_plan_says_by_how_much() -> None:
    """The reference takes part in the race where it is not far behind."""
    said = lines((DP4A, 20.0), ("native_conv", 26.0))
    assert said[-2:] == [
        f"    {DP4A}: 20.0 us, chosen",
        "    native_conv: 26.0 us, 1.3 times as long as the fastest",
    ]


def test_a_plan_of_two_engines() -> None:
    adds = str(DEPTHWISE).replace("adds=0", "adds=1")
    plan = f"separate_residual of {DP4A}"
    log = testing.log_of_tuning("c2", adds, [(plan, 30.0)], "native_conv", 100.0)
    said = log[1][1].splitlines()
    assert f"    {plan}: 30.0 us, chosen" in said
    assert "    native_depthwise: a residual" in said


BLOCK = testing.BlockProblem(n=2, h=14, w=14, c=256, m=64, k=256, adds=1)


def test_a_residual_block() -> None:
    log = testing.log_of_tuning("b1", str(BLOCK), [("separate_steps", 30.0)], "native_block", 900.0)
    heading, *said = log[1][1].splitlines()
    assert heading == f"node b1: why separate_steps runs {BLOCK}"
    refusals = {engine: refusal for engine, refusal, _ in native.answers(str(BLOCK))}
    assert refusals["native_bottleneck"]  # without a GPU
    assert f"    native_bottleneck: {refusals['native_bottleneck']}" in said
    assert "    native_inverted_residual: a window over all channels" in said
    assert said[-2:] == [
        "    separate_steps: 30.0 us, chosen",
        "    native_block: the others are compared with it; 900.0 us",
    ]


@pytest.mark.parametrize(
    ("only", "level"),
    [("native_conv", "info"), ("separate_steps", "info"), ("native_inverted_residual", "info")],
)
def test_an_engine_of_the_convolutions_of_a_block(
    only: str, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name does not keep the block from running them."""
    monkeypatch.setenv("QUDNN_ONLY", only)
    log = testing.log_of_tuning("b1", str(BLOCK), [("separate_steps", 30.0)], "native_block", 900.0)
    assert log[0][0] == level


@pytest.mark.parametrize("only", ["native_bottleneck", "native_bottleneck lines=2", "native_block"])
def test_an_engine_of_the_block_itself(only: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_ONLY", only)
    with pytest.raises(ValueError, match="no engine offers separate_steps"):
        testing.log_of_tuning("b1", str(BLOCK), [("separate_steps", 30.0)], "native_block", 900.0)


def test_a_known_plan_says_where_from() -> None:
    ((level, text),) = testing.log_of_found("c1", str(DEPTHWISE), DP4A, 12.0, "the folder of plans")
    heading, known, *answers = text.splitlines()
    assert (level, heading) == ("warning", f"node c1: why {DP4A} runs {DEPTHWISE}")
    assert known == f"    {DP4A}: known from the folder of plans, where it took 12.0 us; not timed again"
    assert len(answers) == len(native.answers(str(DEPTHWISE)))
    assert "    native_depthwise: 1 plan" in answers
    assert "    native_window: groups" in answers


def test_a_kernel_that_declines_is_told_once() -> None:
    told = ("s1", "by tiles of rows", "rows longer than 16384")
    (first,) = testing.log_of_slow_kernel(*told)
    assert first == ("warning", "node s1: not by tiles of rows: rows longer than 16384")
    assert testing.log_of_slow_kernel(*told) == []
    assert len(testing.log_of_slow_kernel("s2", *told[1:])) == 1
    assert testing.log_of_slow_kernel("s1", "by tiles of rows", "") == []


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_explained_unasked(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("QUDNN_EXPLAIN")
    else:
        monkeypatch.setenv("QUDNN_EXPLAIN", value)
    assert os.environ.get("QUDNN_EXPLAIN") == value
    log = testing.log_of_tuning("c1", str(DEPTHWISE), [(DP4A, 12.0)], "native_conv", 100.0)
    assert [level for level, _ in log] == ["info"]
    assert testing.log_of_found("c1", str(DEPTHWISE), DP4A, 12.0, "the folder of plans") == []
    assert testing.log_of_slow_kernel("s3", "by tiles of rows", "rows longer than 16384") == []


def test_an_engine_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_ONLY", "native_stem")
    log = testing.log_of_tuning("c1", str(DEPTHWISE), [], "native_conv", 100.0)
    (_, line), (_, text) = log
    assert "QUDNN_ONLY=native_stem; native_stem: not 4 channels" in line
    assert text.splitlines()[0].endswith(", with QUDNN_ONLY=native_stem")
    assert "    native_stem: not 4 channels" in text.splitlines()
