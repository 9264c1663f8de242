"""QLinearMatMul with constant weights and QGemm -> QMatMul, and QGemm's other forms; QProjections."""

import pytest

import check
from cases import matmul, op
from cases.builder import by_id
from cases.matmul import GemmCase, MatMulCase
from cases.op import OpCase


@pytest.mark.parametrize("case", [*matmul.MATMULS, *matmul.GEMMS], ids=by_id)
def test_converted(case: MatMulCase | GemmCase) -> None:
    report = check.assert_converts(case, {"QMatMul": 1})
    assert report.islands == 1


@pytest.mark.parametrize("opset", [10, 13, 17, 21, 23])
@pytest.mark.parametrize("case", [matmul.MATMULS[2], matmul.GEMMS[2]], ids=by_id)
def test_opset(case: MatMulCase | GemmCase, opset: int) -> None:
    check.assert_converts(case, {"QMatMul": 1}, opset)


@pytest.mark.parametrize(("case", "op"), matmul.OTHERS, ids=by_id)
def test_other_forms(case: MatMulCase | GemmCase, op: str) -> None:
    check.assert_converts(case, {op: 1})


@pytest.mark.parametrize("case", [*op.MATMULS, *op.PROJECTIONS], ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*matmul.GPU_CASES, *(case for case, _ in matmul.OTHERS)], ids=by_id)
def test_converted_on_gpu(case: MatMulCase | GemmCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*op.MATMULS, *op.PROJECTIONS], ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
