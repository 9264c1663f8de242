"""The engine of depthwise convolutions and groups: raced, compared with the reference, stored, read back."""

from pathlib import Path
from typing import Any

import pytest
from tuner_report import stored_and_read_back, tuned

from cases import op
from qudnn.custom_ops import plans

pytestmark = pytest.mark.gpu


def depthwise(label: str, c: int, side: int, size: int = 3, stride: int = 1, **given: Any) -> op.OpCase:
    pads = [size // 2] * 4
    return op.conv(
        label,
        c=c,
        k=c,
        group=c,
        kernel=(size, size),
        size=(side, side),
        pads=pads,
        strides=[stride] * 2,
        **given,
    )


SIZES = [depthwise(f"stride_{stride}", 64, 56, size, stride) for size in (3, 5, 7) for stride in (1, 2)]
WITHOUT_TENSOR_CORES = [
    depthwise("eights", 40, 33),
    depthwise("stride_3", 64, 61, stride=3),
    depthwise("dilated", 32, 40, dilations=[2, 2]),
]


def grouped(label: str, group_c: int, groups: int, side: int, stride: int = 1, **given: Any) -> op.OpCase:
    c = group_c * groups
    return op.conv(
        label,
        c=c,
        k=c,
        group=groups,
        kernel=(3, 3),
        size=(side, side),
        pads=[1, 1, 1, 1],
        strides=[stride] * 2,
        **given,
    )


GROUPS = [
    *(grouped(f"groups_of_{c}_stride_{s}", c, 8, 29, s) for c in (16, 32) for s in (1, 2)),
    grouped("groups_odd", 16, 3, 15, x_zero_point=-128, y_zero_point=-128, y_max=90),
    grouped("groups_wrapping", 16, 4, 14, sums="wrapping"),
    grouped("groups_ties", 32, 3, 14, sums="ties"),
]
CASES = [
    *SIZES,
    *GROUPS,
    depthwise("zero_point", 144, 56, x_zero_point=-128, y_zero_point=-128, y_max=90),
    *WITHOUT_TENSOR_CORES,
    depthwise("wrapping", 96, 28, sums="wrapping"),
    depthwise("ties", 96, 28, sums="ties"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_plan_is_refused(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    """Every way to run it gives the bits of the plain kernel, which knows nothing of depthwise ones."""
    told = tuned(case, capfd)
    assert "wrong result" not in told
    assert "; native_depthwise" not in told
    (plan,) = plans.list()
    assert plan["source"] == "tuned"
    built = plans.statistics()["candidates_built"]
    # One without tensor cores of depthwise ones; with them six at most, of common strides and channels in
    # sixteens. Groups have cuDNN's as well.
    assert built == 1 if case in WITHOUT_TENSOR_CORES else 1 < built <= (50 if case in GROUPS else 7)


def test_the_fastest_is_stored_and_read_back(tmp_path: Path) -> None:
    plan = stored_and_read_back(depthwise("stored", 96, 112), tmp_path)
    assert plan["engine"] == "native_depthwise"
    assert plan["plan"].startswith("native_depthwise ")


def test_results_within_padding_and_residuals_use_it(capfd: pytest.CaptureFixture[str]) -> None:
    """Other engines complete what it computes, as they do with cuDNN's."""
    case = depthwise("around", 64, 112, y_zero_point=-128, y_pads=[0, 1, 1, 0, 0, 1, 1, 0])
    told = tuned(case, capfd)
    assert "wrong result" not in told
    (plan,) = plans.list()
    assert plan["plan"].startswith("padded_result of native_depthwise ")
