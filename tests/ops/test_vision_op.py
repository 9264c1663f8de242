"""The ops of whole vision models, each on its own: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases import vision_op
from cases.builder import by_id
from cases.op import OpCase


@pytest.mark.parametrize("case", vision_op.CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case, opset=vision_op.opset_of(case))


@pytest.mark.gpu
@pytest.mark.parametrize("case", vision_op.CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(vision_op.opset_of(case)), vision_op.inputs_of(case))
