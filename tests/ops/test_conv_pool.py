"""QConvMaxPool: body = oracle on the CPU, kernel = body on the GPU, and that its own kernel runs."""

import pytest

import check
from cases.builder import by_id
from cases.conv_pool_op import LEFT, TAKEN
from cases.op import OpCase


@pytest.mark.parametrize("case", [*TAKEN, *LEFT], ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(opset: int) -> None:
    check.assert_body_matches_oracle(TAKEN[1], opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*TAKEN, *LEFT], ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))
