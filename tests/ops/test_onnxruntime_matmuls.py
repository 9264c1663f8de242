"""onnxruntime's own tests of matmuls: what it computes, and what the converted model does."""

import pytest

import check
from cases import onnxruntime_matmuls as cases
from cases.builder import by_id
from cases.matmul import GemmCase
from cases.qlinear_matmul import QLinearMatMulCase
from qudnn import converter


@pytest.mark.parametrize("case", cases.QLINEAR_MATMULS, ids=by_id)
def test_qlinear_matmul(case: QLinearMatMulCase) -> None:
    (op,) = converter.convert(case.model(13)).report.converted
    assert op == "QBatchMatMul" or (op == "QMatMul" and case.b_constant)  # where the weights fit into int8
    check.assert_converts(case, {op: 1}, opset=13)


@pytest.mark.parametrize("case", cases.MATRIX_BY_MATRIX, ids=by_id)
def test_matrix_by_matrix(case: QLinearMatMulCase) -> None:
    check.assert_declines(case, "QLinearMatMul", "differ in more than its rows or columns")


@pytest.mark.parametrize("case", cases.MATMUL_INTEGERS, ids=by_id)
def test_matmul_integer(case: QLinearMatMulCase) -> None:
    check.assert_converts(case, {"QBatchMatMulToInt32": 1}, opset=13)


@pytest.mark.parametrize(("rows", "case"), cases.QGEMMS, ids=by_id)
def test_qgemm(rows: int, case: GemmCase) -> None:
    op = ("QMatMul" if case.b_constant else "QBatchMatMul") + ("ToFloat" if case.float_output else "")
    check.assert_converts(case, {op: 1}, batches=[rows])
