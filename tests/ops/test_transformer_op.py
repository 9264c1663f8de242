"""The ops of transformers, each on its own: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases import transformer_op
from cases.builder import by_id
from cases.op import OpCase
from cases.vision_op import inputs_of

CASES = [*transformer_op.WHERES, *transformer_op.UNPADDED]


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), inputs_of(case))
