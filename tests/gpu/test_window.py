"""The engine of Hopper GPUs: all its plans give the right bits, also those that add a residual."""

import pytest
from tuner_report import tuned

from cases import op
from qudnn.custom_ops import native, plans

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not any(capability == 90 for _, capability in native.cuda_devices()), reason="for Hopper GPUs"
    ),
]

ONE, TWO = [1, 1, 1, 1], [2, 2, 2, 2]
AROUND = [0, 1, 1, 0, 0, 1, 1, 0]
CASES = [
    op.conv("zeros", c=64, k=64, size=(57, 55), pads=ONE),
    op.conv("value", c=64, k=64, size=(57, 55), pads=ONE, x_zero_point=-128, y_zero_point=-128),
    op.conv("uneven", c=128, k=96, size=(28, 27), pads=[0, 2, 1, 0], x_zero_point=7, y_min=-50),
    op.conv("valid", c=96, k=128, size=(30, 31), y_max=90),
    op.conv("strided", c=64, k=128, size=(29, 28), pads=ONE, strides=[2, 2], x_zero_point=-128),
    op.conv("strided", c=48, k=32, size=(29, 28), pads=TWO, strides=[1, 2], kernel=(5, 5), x_zero_point=3),
    op.conv("dilated", c=64, k=64, size=(19, 23), pads=TWO, dilations=[2, 2], x_zero_point=-4),
    op.conv("line", c=64, k=64, size=(19, 23), kernel=(1, 7), pads=[0, 3, 0, 3], x_zero_point=11),
    op.conv("small", c=512, k=512, size=(7, 7), pads=ONE, x_zero_point=-128),
    op.conv("tiny", c=64, k=64, size=(1, 2), pads=ONE, x_zero_point=5),
    op.conv("narrow", c=16, k=32, size=(40, 40), pads=ONE, x_zero_point=-1),
    op.conv("padded", c=64, k=64, size=(31, 30), pads=ONE, x_zero_point=4, y_zero_point=-3, y_pads=AROUND),
    op.conv("padded", c=256, k=64, kernel=(1, 1), size=(31, 30), y_pads=[0, 0, 2, 0, 0, 1, 0, 0]),
    op.conv("sparse", c=64, k=256, kernel=(1, 1), size=(29, 28), strides=[2, 2]),
    op.conv("wrapping", sums="wrapping", c=64, k=64, size=(40, 40), pads=ONE, x_zero_point=77),
    op.conv("extreme", sums="extreme", c=64, k=64, size=(40, 40), pads=ONE, x_zero_point=-5),
    op.conv("large", sums="large", c=16, k=64, size=(150, 150), pads=ONE, x_zero_point=77),
    op.matmul("large", sums="large", c=192, k=64, rows=(90000,)),
    op.matmul("tiles", c=64, k=256, rows=(40000,)),
    op.matmul("many_tiles", c=256, k=64, rows=(120000,)),
    op.matmul("columns", c=144, k=416, rows=(77,)),
    op.matmul("long", c=2048, k=512, rows=(300,)),
    op.matmul("ties", c=32, k=256, rows=(500,), sums="ties"),
    op.conv("unsigned", c=128, k=256, kernel=(1, 1), size=(190, 190), y_zero_point=-128),
    op.conv("bounded", c=256, k=512, kernel=(1, 1), size=(120, 120), y_zero_point=-128, y_min=-90),
    op.conv("signed", c=64, k=256, kernel=(1, 1), size=(190, 190), y_zero_point=0, y_min=0),
    op.conv("unsigned", c=64, k=64, size=(120, 120), pads=ONE, x_zero_point=-128, y_zero_point=-128),
    op.conv("padded", c=128, k=64, kernel=(1, 1), size=(130, 7), y_pads=AROUND, y_zero_point=-128),
]
SPLIT = [
    op.conv("deep", c=512, k=512, size=(9, 9), y_zero_point=-128),
    op.conv("deep", sums="wrapping", c=512, k=512, size=(7, 7), pads=ONE, x_zero_point=77),
    op.conv("deep", c=1024, k=256, kernel=(1, 1), size=(14, 13), y_pads=AROUND, y_min=-90),
    op.conv("deep", c=512, k=256, size=(9, 11), strides=[2, 2], y_max=90),
    op.matmul("deep", c=2048, k=1024, rows=(9,)),
    op.conv_add("deep", c=2048, k=256, kernel=(1, 1), size=(7, 6)),
    op.conv_add(
        "deep", dtype=op.INT8, c=512, k=96, size=(7, 9), pads=ONE, x_zero_point=9, result_first=False
    ),
    op.conv_float_add("deep", c=2048, k=64, kernel=(1, 1), size=(9, 5), clamp=(-128, 100)),
]
SPLIT_PROBLEMS = (
    "conv n=1 h=9 w=9 c=512 k=512 r=3 s=3",
    "conv n=8 h=9 w=9 c=512 k=512 r=3 s=3 adds=1",
    "conv n=1 h=7 w=7 c=2048 k=512 r=1 s=1 adds=2",
    "conv n=2 h=14 w=14 c=256 k=96 r=3 s=3 pad_top=1 pad_left=1 pad_bottom=1 pad_right=1 pads_with_value=1",
    "matmul m=4 k=1024 c=2048",
)
ADDS = [
    *(
        op.conv_add("tiles", dtype=dtype, result_first=first, c=64, k=256, kernel=(1, 1), size=(150, 150))
        for dtype in (op.UINT8, op.INT8)
        for first in (True, False)
    ),
    op.conv_add("deep", c=128, k=512, kernel=(1, 1), size=(150, 150)),
    op.conv_add("deep", dtype=op.INT8, c=256, k=512, kernel=(1, 1), size=(120, 120), result_first=False),
    op.conv_add("deep", c=512, k=256, kernel=(1, 1), size=(120, 120), y_min=-70),
    op.conv_add("window", c=64, k=96, size=(28, 31), pads=ONE, x_zero_point=-128, y_max=100),
    op.conv_add("strided", c=64, k=64, size=(28, 31), pads=ONE, x_zero_point=9, strides=[2, 2]),
    op.conv_add("wrapping", sums="wrapping", c=64, k=64, kernel=(1, 1), size=(50, 50), result_first=False),
    op.conv_add("extreme", sums="extreme", c=64, k=64, kernel=(1, 1), size=(50, 50)),
    op.conv_add("large", sums="large", c=192, k=64, kernel=(1, 1), size=(150, 150), y_zero_point=-128),
]
FLOAT_ADDS = [
    op.conv_float_add("tiles", c=64, k=256, kernel=(1, 1), size=(150, 150), y_zero_point=0, clamp=(0, 127)),
    op.conv_float_add("tiles", c=64, k=64, kernel=(1, 1), size=(150, 150), y_zero_point=-128),
    op.conv_float_add("narrow", c=64, k=32, kernel=(1, 1), size=(150, 150)),
    op.conv_float_add("window", c=64, k=96, size=(28, 31), pads=ONE, x_zero_point=-128, clamp=(-128, 100)),
    op.conv_float_add("strided", c=64, k=64, size=(28, 31), pads=ONE, x_zero_point=9, strides=[2, 2]),
    op.conv_float_add("wrapping", sums="wrapping", c=64, k=64, kernel=(1, 1), size=(50, 50)),
    op.conv_float_add("extreme", sums="extreme", c=64, k=64, kernel=(1, 1), size=(50, 50)),
    op.conv_float_add("minute", c=64, k=64, kernel=(1, 1), size=(50, 50), y_scale=2e-30, r_scale=1e-30),
    op.conv_float_add("huge", c=64, k=64, kernel=(1, 1), size=(50, 50), y_scale=9e29, r_scale=7e29),
]


@pytest.mark.parametrize("case", [*CASES, *SPLIT, *ADDS, *FLOAT_ADDS], ids=lambda case: case.id)
def test_no_plan_is_refused(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    told = tuned(case, capfd)
    assert "; native_window" not in told
    (plan,) = plans.list()
    assert plan["source"] == "tuned"


@pytest.mark.parametrize("problem", SPLIT_PROBLEMS)
def test_few_tiles_are_split(problem: str) -> None:
    full, _ = native.read_problem(problem)
    replayed = native.replay(full, "", False)
    split = [each for each in replayed if each[1].startswith("native_window split=")]
    assert split
    for engine, plan, refusal, differing, *_ in split:
        assert not refusal, (engine, plan)
        assert differing == 0, (engine, plan)


def test_many_tiles_are_not_split() -> None:
    full, _ = native.read_problem("conv n=64 h=28 w=28 c=256 k=256 r=1 s=1")
    assert not any("split=" in plan for _, plan, *_ in native.replay(full, "", False))


@pytest.mark.parametrize("case", [*ADDS, *FLOAT_ADDS], ids=lambda case: case.id)
def test_no_separate_addition_is_wrong(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    told = tuned(case, capfd)
    assert f"adds={2 if case in FLOAT_ADDS else 1}" in told
    assert "; separate_residual: " not in told
    assert "wrong result" not in told
