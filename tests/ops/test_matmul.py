"""QLinearMatMul and QGemm -> QMatMul."""

import pytest

import check
from cases import matmul, op
from cases.builder import by_id
from cases.matmul import GemmCase, MatMulCase
from cases.onnx_node import OnnxNodeCase, load
from cases.op import OpCase
from session import assert_same_bits, run


@pytest.mark.parametrize("case", [*matmul.MATMULS, *matmul.GEMMS], ids=by_id)
def test_converted(case: MatMulCase | GemmCase) -> None:
    report = check.assert_converts(case, {"QMatMul": 1})
    assert report.islands == 1


@pytest.mark.parametrize("opset", [10, 13, 17, 21, 23])
@pytest.mark.parametrize("case", [matmul.MATMULS[2], matmul.GEMMS[2]], ids=by_id)
def test_opset(case: MatMulCase | GemmCase, opset: int) -> None:
    check.assert_converts(case, {"QMatMul": 1}, opset)


@pytest.mark.parametrize(("case", "reason"), matmul.DECLINED, ids=by_id)
def test_declined(case: MatMulCase | GemmCase, reason: str) -> None:
    check.assert_declines(case, "QLinearMatMul" if isinstance(case, MatMulCase) else "QGemm", reason)


def _convertible(case: OnnxNodeCase) -> bool:
    """Scales have to be float32, and the weights a matrix."""
    return "2D" in case.name and "float32" in case.name


@pytest.mark.parametrize(
    "case", [case for case in load("QLinearMatMul", "fitted") if _convertible(case)], ids=by_id
)
def test_onnx_node_test(case: OnnxNodeCase) -> None:
    check.assert_converts(case, {"QMatMul": 1}, batches=[1])


@pytest.mark.parametrize("form", ["variable", "constant"])
def test_onnx_node_test_declined(form: str) -> None:
    cases = load("QLinearMatMul", form)
    assert len(cases) == 8
    for case in cases:
        if form == "variable":
            reason = "left input scale is not constant"
        elif "float16" in case.name:
            reason = "float16"
        else:
            reason = "3 dimensions" if "3D" in case.name else "beyond int8"
        check.assert_declines(case, "QLinearMatMul", reason)
        assert_same_bits(run(case.model(), case.inputs()).outputs, case.expected)


@pytest.mark.parametrize("case", op.MATMULS, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", matmul.GPU_CASES, ids=by_id)
def test_converted_on_gpu(case: MatMulCase | GemmCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", op.MATMULS, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
