"""QTableGlobalAveragePool and ToFloat: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases.builder import by_id
from cases.op import OpCase
from cases.table_pool_op import CASES


@pytest.mark.parametrize("opset", [13, 17, 18, 21, 23])
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
