"""QConvMaxPool and ConvMaxPoolToIsland: body = oracle on the CPU, kernel = body on the GPU."""

import numpy as np
import pytest

import check
from cases.builder import by_id
from cases.conv_pool_op import ENTRIES_LEFT, ENTRIES_TAKEN, LEFT, TAKEN
from cases.op import OpCase

ALL = [*TAKEN, *LEFT, *ENTRIES_TAKEN, *ENTRIES_LEFT]


@pytest.mark.parametrize("case", ALL, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("case", [TAKEN[1], *ENTRIES_TAKEN[:2]], ids=by_id)
@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


def test_images_hold_what_decides() -> None:
    x = ENTRIES_TAKEN[0].inputs()["x"]
    quotients = x[np.abs(x) < 5] / np.float32(0.0186584499)
    assert np.isnan(x).any() and np.isinf(x).any()
    assert len(np.unique(np.rint(quotients).clip(-114, 141))) == 256


def test_rounding_to_float16_decides() -> None:
    for case in (case for case in ENTRIES_TAKEN if case.id.endswith("rounded_float32")):
        x = case.inputs()["x"]
        with np.errstate(over="ignore"):
            half = x.astype(np.float16).astype(np.float32)
        quanta = [np.rint(each[np.abs(x) < 2] / np.float32(0.0186584499)) for each in (x, half)]
        assert (quanta[0] != quanta[1]).sum() > 50


@pytest.mark.gpu
@pytest.mark.parametrize("case", ALL, ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))
