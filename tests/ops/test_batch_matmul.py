"""QBatchMatMul, QBatchMatMulToFloat, QBatchMatMulToInt32."""

import pytest

import check
from cases import batch_matmul
from cases.batch_matmul import BatchMatMulCase
from cases.builder import by_id
from oracles import ORACLES
from qudnn.custom_ops import plans
from session import CUDA, assert_same_bits, run


@pytest.mark.parametrize("case", batch_matmul.CASES, ids=by_id)
def test_body(case: BatchMatMulCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", batch_matmul.ATTENTION[-4:], ids=by_id)
def test_opset(case: BatchMatMulCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", batch_matmul.CASES, ids=by_id)
def test_kernel(case: BatchMatMulCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", batch_matmul.NO_DEPTH, ids=by_id)
def test_no_depth(case: BatchMatMulCase) -> None:
    expected = ORACLES[case.op](*case.inputs().values(), *case.constants.values(), **case.attributes)
    assert_same_bits(run(case.model(), case.inputs(), CUDA).outputs, {"y": expected})


@pytest.mark.gpu
def test_attention_runs_on_tensor_cores() -> None:
    plans.clear()
    for case in batch_matmul.ATTENTION[:3]:
        run(case.model(), case.inputs(), CUDA)
    names = [plan["plan"] for plan in plans.list()]
    assert names
    assert all(name.startswith("native_mma_matmul") for name in names), names
