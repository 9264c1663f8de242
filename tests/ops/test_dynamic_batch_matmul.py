"""DynamicQBatchMatMul."""

import pytest

import check
from cases import dynamic_batch_matmul
from cases.batch_matmul import BatchMatMulCase
from cases.builder import by_id
from oracles import ORACLES
from session import CUDA, assert_same_bits, run


@pytest.mark.parametrize("case", dynamic_batch_matmul.CASES, ids=by_id)
def test_body(case: BatchMatMulCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", dynamic_batch_matmul.CASES[:3], ids=by_id)
def test_opset(case: BatchMatMulCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", dynamic_batch_matmul.CASES, ids=by_id)
def test_kernel(case: BatchMatMulCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", dynamic_batch_matmul.NO_DEPTH, ids=by_id)
def test_no_depth(case: BatchMatMulCase) -> None:
    expected = ORACLES[case.op](*case.inputs().values(), *case.constants.values(), **case.attributes)
    assert_same_bits(run(case.model(), case.inputs(), CUDA).outputs, {"y": expected})
