"""MatMul and Gemm of QDQ models, with results in 8 bits and in float32."""

import numpy as np
import pytest

import check
from cases import qdq_matmul
from cases.builder import by_id
from cases.qdq_matmul import QdqMatMulCase
from qudnn import converter
from session import run


@pytest.mark.parametrize(("case", "op"), qdq_matmul.EXACT, ids=by_id)
def test_exact(case: QdqMatMulCase, op: str) -> None:
    report = check.assert_converts(case, {op: 1}, opset=17)
    assert not report.approximate


@pytest.mark.parametrize(("case", "op"), qdq_matmul.IN_FLOAT, ids=by_id)
def test_in_float(case: QdqMatMulCase, op: str) -> None:
    """The op sums integers without rounding, so it is the closer one of two that differ in their last bits.

    Bounded by what float32 loses over a sum of 35 products: 35 rounding errors of the largest partial sum.
    """
    original = case.model()
    conversion = converter.convert(original)
    assert op in conversion.report.converted
    (entry,) = conversion.report.approximate
    assert "float32" in entry.reason
    inputs = case.inputs()
    expected, actual = (run(model, inputs).outputs for model in (original, conversion.model))
    name = next(name for name, value in expected.items() if value.dtype == np.float32)
    largest = 35 * 255 * 255 * qdq_matmul.A_SCALE * qdq_matmul.B_SCALE
    assert np.abs(actual[name] - expected[name]).max() <= 35 * largest * 2.0**-24


@pytest.mark.gpu
@pytest.mark.parametrize("case", [case for case, _ in qdq_matmul.EXACT], ids=by_id)
def test_converted_on_gpu(case: QdqMatMulCase) -> None:
    conversion = converter.convert(case.model())
    check.assert_kernels_match_bodies(conversion.model, case.inputs())
