"""What engines say to a problem: who takes it, and why the others do not. Needs no GPU."""

from typing import Any

import pytest
import testing

from qudnn.custom_ops import native


def conv(**given: int) -> testing.ConvProblem:
    """A 3x3 convolution of images whose size stays."""
    pads = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), 1)
    sizes = {"n": 2, "h": 30, "w": 28, "c": 64, "k": 64, "r": 3, "s": 3, "p": 30, "q": 28, **pads, **given}
    h, w, c = sizes["h"], sizes["w"], sizes["c"]
    strides = {"x_stride_n": h * w * c, "x_stride_h": w * c, "x_stride_w": c, "x_stride_c": 1}
    return testing.ConvProblem(**{**strides, **sizes})


def pointwise(**given: int) -> testing.ConvProblem:
    none = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), 0)
    return conv(**{"r": 1, "s": 1, **none, **given})


def volumes(**given: int) -> testing.ConvProblem:
    sizes = {"n": 2, "d": 9, "h": 7, "w": 5, "c": 16, "k": 32, "z": 7, "p": 5, "q": 3}
    return testing.ConvProblem(**{**sizes, "t": 3, "r": 3, "s": 3, **given})


def few_rows(**given: int) -> testing.MatMulProblem:
    return testing.MatMulProblem(**{"m": 8, "k": 1008, "c": 2048, "x_stride": 2048, **given})


DEPTHWISE = conv(group=64)
MATMUL = testing.MatMulProblem(m=512, k=768, c=768, x_stride=768)
COMPUTED = testing.BatchMatMulProblem(m=64, n=64, k=64, width=64)
PRODUCT_TABLE = testing.MatMulProblem(m=512, k=768, c=768, x_stride=768, looks_up=1)
SUM = testing.MatMulProblem(m=512, k=768, c=768, x_stride=768, adds_constant=1)
SUM_TABLE = testing.MatMulProblem(m=512, k=768, c=768, x_stride=768, adds_constant=1, looks_up=1)
BLOCK = testing.BlockProblem(n=2, h=14, w=14, c=256, m=64, k=256, adds=1)
INVERTED = testing.BlockProblem(n=2, h=14, w=14, c=32, m=64, k=48, depthwise=1)
TABLES = [conv(looks_up=1), conv(looks_up=1, y_pad_top=1), conv(group=64, looks_up=1), PRODUCT_TABLE]
PROBLEMS = [
    conv(),
    pointwise(),
    DEPTHWISE,
    conv(c=4),
    volumes(),
    MATMUL,
    COMPUTED,
    *TABLES,
    SUM,
    SUM_TABLE,
    few_rows(),
    few_rows(adds_constant=1, looks_up=1),
    BLOCK,
    INVERTED,
]


def names(problem: Any) -> list[str]:
    """The engines that take the problem."""
    return [engine.partition(".")[0] for engine in testing.engines_text(problem).split(" ")]


def refusals(problem: Any) -> dict[str, str]:
    return {engine: refusal for engine, refusal, _ in native.answers(str(problem))}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: str(problem).partition(" alignment")[0])
def test_every_engine_answers(problem: Any) -> None:
    answers = native.answers(str(problem))
    engines = [engine for engine, _, _ in answers]
    assert len(set(engines)) == len(engines) == 18
    for engine, refusal, plans in answers:
        assert bool(refusal) != bool(plans), engine
        assert all(plan == engine or plan.startswith(f"{engine} ") for plan in plans)
    # The plain kernel of the problem's kind always has a plan, of its own name; so have the steps of a block.
    plain = [plans for engine, _, plans in answers if plans == [engine] and engine != "separate_steps"]
    assert len(plain) == 1
    takes = names(problem)
    assert {engine for engine, _, plans in answers if plans} <= set(takes)
    assert plain[0][0] in takes


@pytest.mark.parametrize(
    ("problem", "engine", "refusal"),
    [
        (conv(), "native_depthwise", "not one filter for each channel"),
        (conv(c=12, k=12, group=12), "native_depthwise", "channels not in eights"),
        (conv(group=64, r=5, pad_top=2, pad_bottom=2), "native_depthwise", "a filter other than"),
        (conv(group=64, y_pad_top=1), "native_depthwise", "results within padding"),
        (conv(group=64, adds=1), "native_depthwise", "a residual"),
        (conv(group=16), "native_depthwise", "groups, filters or strides without a kernel"),
        (conv(group=4, r=5, pad_top=2, pad_bottom=2), "native_depthwise", "without a kernel"),
        (conv(group=4, k=128), "native_depthwise", "nor one for each of a group's"),
        (conv(c=72, k=72, group=18), "native_depthwise", "channels not in sixteens"),
        (conv(group=64, y_type=6), "native_depthwise", "results that are not int8"),
        (volumes(k=16, group=16), "native_depthwise", "three dimensions"),
        (conv(group=64, alignment=4), "native_depthwise", "a pointer is aligned to 4 bytes only"),
        (conv(), "native_stem", "not 4 channels"),
        (conv(c=4, k=24), "native_stem", "output channels not in sixteens"),
        (conv(c=4, dilation_h=2, p=28), "native_stem", "a dilation"),
        (conv(c=4, r=9, p=24), "native_stem", "a filter or stride larger than 8"),
        (conv(), "native_pointwise", "a filter other than 1x1"),
        (pointwise(c=16), "native_pointwise", "16 values to sum"),
        (pointwise(k=24), "native_pointwise", "channels not in sixteens"),
        (pointwise(stride_h=2, p=15, pad_left=1, q=29), "native_pointwise", "padding"),
        (conv(), "native_few_rows", "not the work of a matmul with weights"),
        (pointwise(), "native_few_rows", "more than 8 rows"),
        (few_rows(c=72, x_stride=72), "native_few_rows", "rows whose length is no multiple of 16"),
        (few_rows(alignment=4), "native_few_rows", "a pointer is aligned to 4 bytes only"),
        (conv(group=2), "native_window", "groups"),
        (conv(k=48), "native_window", "output channels not in thirty-twos"),
        (volumes(), "native_window", "three dimensions"),
        (MATMUL, "cudnn_conv", "no convolution"),
        (conv(y_pad_left=1), "cudnn_conv", "results within padding"),
        (conv(), "cudnn_matmul", "not the work of a matmul with weights"),
        (conv(), "padded_result", "dense results"),
        (conv(), "separate_residual", "no residual"),
        (MATMUL, "separate_residual", "no convolution, and no constant to add"),
        (SUM_TABLE, "separate_table", "there is no engine to complete"),
        (SUM, "cudnn_matmul", "a constant to add"),
        (SUM, "native_pointwise", "a constant to add"),
        (SUM, "native_mma_matmul", "a constant to add"),
        (SUM, "separate_table", "no table"),
        (conv(), "separate_table", "no table"),
        (MATMUL, "separate_table", "no table"),
        (COMPUTED, "separate_table", "no table"),
        (conv(looks_up=1), "cudnn_conv", "a table"),
        (PRODUCT_TABLE, "cudnn_matmul", "a table"),
        (COMPUTED, "native_matmul", "no matmul with weights"),
        (MATMUL, "native_batch_matmul", "no matmul of computed tensors"),
        (INVERTED, "native_bottleneck", "a window over each channel by itself"),
        (testing.BlockProblem(c=64, m=64, k=64), "native_bottleneck", "nothing to add"),
        (BLOCK, "native_inverted_residual", "a window over all channels"),
        (testing.BlockProblem(depthwise=1, alignment=4), "native_inverted_residual", "aligned to 4 bytes"),
        (BLOCK, "native_window", "a residual block"),
        (BLOCK, "native_pointwise", "a residual block"),
        (BLOCK, "native_conv", "no convolution"),
        (conv(), "separate_steps", "no residual block"),
        (conv(), "native_block", "no residual block"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_says_why(problem: Any, engine: str, refusal: str) -> None:
    assert refusal in refusals(problem)[engine]


def test_depthwise_convolutions_have_an_engine() -> None:
    """Plans stored before there was one have another list of engines in their key, and are made anew."""
    assert "native_depthwise" in names(DEPTHWISE)
    assert "native_depthwise" not in names(conv())
    # One of its kernels runs on every GPU.
    (plans,) = (plans for engine, _, plans in native.answers(str(DEPTHWISE)) if engine == "native_depthwise")
    assert plans[-1] == "native_depthwise dp4a"


def test_few_rows_have_an_engine_whatever_they_do_besides() -> None:
    for problem in (
        few_rows(),
        few_rows(adds_constant=1, looks_up=1),
        few_rows(y_type=6),
        few_rows(y_type=1, m=1),
        pointwise(n=1, h=1, w=8, p=1, q=8),
    ):
        assert "native_few_rows" in names(problem)


def test_engines_complete_depthwise_results() -> None:
    for problem, completed in (
        (conv(group=64, y_pad_top=1), "padded_result"),
        (conv(group=64, adds=1), "separate_residual"),
    ):
        (plans,) = (plans for engine, _, plans in native.answers(str(problem)) if engine == completed)
        assert f"{completed} of native_depthwise dp4a" in plans


def test_a_table_completes_dense_results() -> None:
    """Also where y has padding, whose zero point is the table's: it is not written before the lookup."""
    looking_up = str(conv(group=64, y_pad_top=1, looks_up=1))
    (plans,) = (plans for engine, _, plans in native.answers(looking_up) if engine == "separate_table")
    assert "separate_table of native_depthwise dp4a" in plans
    assert not any("padded_result" in plan for plan in plans)


def test_engines_look_up_by_themselves() -> None:
    for problem, engine in (
        (conv(group=64, looks_up=1), "native_depthwise"),
        (conv(group=4, looks_up=1), "native_depthwise"),
        (conv(c=4, looks_up=1), "native_stem"),
        (pointwise(looks_up=1), "native_pointwise"),
        (conv(looks_up=1), "native_window"),
        (PRODUCT_TABLE, "native_window"),
    ):
        assert engine in names(problem)


@pytest.mark.parametrize("engine", ["cudnn_conv", "cudnn_matmul", "separate_residual"])
def test_engines_without_tables_refuse_them(engine: str) -> None:
    for problem in (*TABLES, pointwise(looks_up=1), conv(c=4, looks_up=1)):
        assert engine not in names(problem)
        assert "separate_table" in names(problem)


@pytest.mark.parametrize("problem", [SUM, SUM_TABLE], ids=["sum", "table"])
def test_a_sum_completes_a_matmul(problem: testing.MatMulProblem) -> None:
    """With the table of the sums. Without a GPU each engine says why there is none to complete."""
    (said,) = (
        [why, *plans] for name, why, plans in native.answers(str(problem)) if name == "separate_residual"
    )
    assert any("native_mma_matmul" in each for each in said)
    assert not any("separate_table" in each for each in said)


@pytest.mark.parametrize("problem", [SUM, SUM_TABLE], ids=["sum", "table"])
def test_who_adds_constants(problem: testing.MatMulProblem) -> None:
    """native_window does; what it takes need not be completed."""
    takes = [name for name in names(problem) if not name.startswith("separate_")]
    assert takes == ["native_window", "native_matmul"]
    (why,) = (why for name, why, _ in native.answers(str(problem)) if name == "separate_residual")
    assert "native_window" not in why


def test_who_takes_residual_blocks() -> None:
    assert names(BLOCK) == ["native_bottleneck", "separate_steps", "native_block"]
    assert names(INVERTED) == ["native_inverted_residual", "separate_steps", "native_block"]
    in_float = testing.BlockProblem(n=2, h=14, w=14, c=256, m=64, k=256, adds=2)
    assert names(in_float) == ["native_bottleneck", "separate_steps", "native_block"]
    both = str(in_float).replace("depthwise=0", "depthwise=1")
    answers = {engine: refusal for engine, refusal, _ in native.answers(both)}
    assert answers["native_inverted_residual"] == "a residual added in float32"
    assert names(testing.BlockProblem(c=64, m=64, k=64)) == ["separate_steps", "native_block"]


def test_two_and_three_dimensions_have_the_same_engines() -> None:
    assert names(volumes()) == ["cudnn_conv", "native_conv"]
    assert {"cudnn_conv", "native_conv"} <= set(names(conv()))


def test_other_texts_are_no_problems() -> None:
    with pytest.raises(ValueError, match="not the text of a problem: nonsense"):
        native.answers("nonsense")
