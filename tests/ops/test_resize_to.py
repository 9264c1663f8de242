"""Resizing to sizes that are an input: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases import resize_to_op
from cases.builder import by_id
from cases.op import OpCase
from cases.vision_op import opset_of


@pytest.mark.parametrize("case", resize_to_op.CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case, opset=opset_of(case))


@pytest.mark.gpu
@pytest.mark.parametrize("case", resize_to_op.CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(opset_of(case)), case.inputs())
