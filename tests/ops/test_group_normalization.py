"""QGroupNormalization: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases.builder import by_id
from cases.group_normalization_op import CASES
from cases.op import OpCase


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
