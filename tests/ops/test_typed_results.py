"""QMatMulToFloat, QConvToFloat and QConvToInt32: results of more than 8 bits."""

import pytest

import check
from cases import typed_op
from cases.builder import by_id
from cases.op import OpCase

CASES = [*typed_op.TO_FLOAT, *typed_op.CONVS_TO_FLOAT, *typed_op.TO_INT32]
FEW = [typed_op.TO_FLOAT[2], typed_op.CONVS_TO_FLOAT[2], typed_op.TO_INT32[2]]


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", FEW, ids=by_id)
def test_opset(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", FEW, ids=by_id)
def test_empty_batch(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(0))
