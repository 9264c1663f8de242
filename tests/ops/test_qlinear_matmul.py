"""QLinearMatMul and MatMulInteger -> QBatchMatMul, QMatMul, QBatchMatMulToInt32."""

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

import check
from cases import qlinear_matmul
from cases.builder import by_id
from cases.onnx_node import OnnxNodeCase, load
from cases.qlinear_matmul import QLinearMatMulCase
from qudnn import converter
from session import assert_same_bits, run


@pytest.mark.parametrize("case", [*qlinear_matmul.COMPUTED, *qlinear_matmul.CONSTANT], ids=by_id)
def test_computed(case: QLinearMatMulCase) -> None:
    check.assert_converts(case, {"QBatchMatMul": 1, **moves(case)}, opset=21)


@pytest.mark.parametrize("case", qlinear_matmul.MATRICES, ids=by_id)
def test_constant_matrix(case: QLinearMatMulCase) -> None:
    check.assert_converts(case, {"QMatMul": 1}, opset=21)


@pytest.mark.parametrize("case", qlinear_matmul.INTEGER, ids=by_id)
def test_integer(case: QLinearMatMulCase) -> None:
    check.assert_converts(case, {"QBatchMatMulToInt32": 1, **moves(case)}, opset=21)


@pytest.mark.parametrize("case", qlinear_matmul.BY_ROW, ids=by_id)
def test_parameters_by_row(case: QLinearMatMulCase) -> None:
    """onnxruntime refuses the original: ONNX's reference implementation says what it means."""
    original = case.model()
    conversion = converter.convert(original)
    assert conversion.report.converted == {"QBatchMatMul": 1}
    inputs = case.inputs()
    (expected,) = ReferenceEvaluator(original).run(None, inputs)
    assert_same_bits(run(conversion.model, inputs).outputs, {"y": np.asarray(expected)})


@pytest.mark.parametrize(("case", "reason"), qlinear_matmul.DECLINED, ids=by_id)
def test_declined(case: QLinearMatMulCase, reason: str) -> None:
    check.assert_declines(case, case.op, reason, opset=21)


@pytest.mark.parametrize("form", ["constant", "parameters", "fitted"])
def test_onnx_node_tests(form: str) -> None:
    """All that ONNX has: 2D and 3D, uint8 and int8, float32 and float16 scales; the expected outputs too."""
    cases = load("QLinearMatMul", form)
    assert len(cases) == 8
    for case in cases:
        op = "QMatMul" if form == "fitted" and "2D" in case.name else "QBatchMatMul"
        check.assert_converts(case, {op: 1}, batches=[1])
        if form != "fitted":
            assert_same_bits(run(case.model(), case.inputs()).outputs, case.expected)


@pytest.mark.parametrize("case", load("QLinearMatMul", "variable"), ids=by_id)
def test_onnx_node_test_declined(case: OnnxNodeCase) -> None:
    check.assert_declines(case, "QLinearMatMul", "left input scale must be constant")
    assert_same_bits(run(case.model(), case.inputs()).outputs, case.expected)


@pytest.mark.parametrize("form", ["constant", "parameters"])
def test_onnx_integer_node_tests(form: str) -> None:
    (case,) = load("MatMulInteger", form)
    check.assert_converts(case, {"QBatchMatMulToInt32": 1}, batches=[1])
    assert_same_bits(run(case.model(), case.inputs()).outputs, case.expected)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "case",
    [
        *qlinear_matmul.COMPUTED,
        *qlinear_matmul.CONSTANT,
        *qlinear_matmul.BY_ROW,
        *qlinear_matmul.MATRICES,
        *qlinear_matmul.INTEGER,
    ],
    ids=by_id,
)
def test_converted_on_gpu(case: QLinearMatMulCase) -> None:
    conversion = converter.convert(case.model())
    assert not conversion.report.left
    check.assert_kernels_match_bodies(conversion.model, case.inputs())


def moves(case: QLinearMatMulCase) -> dict[str, int]:
    """What makes matrices of vectors, and vectors of the result."""
    factors = (case.a, case.a_constant), (case.b, case.b_constant)
    constants = [constant for shape, constant in factors if len(shape) == 1]
    if not constants:
        return {}
    return {"Squeeze": 1} if all(constants) else {"Unsqueeze": 1, "Squeeze": 1}
