"""Dynamic quantization, alone or of Gelu, and the matmuls after it.

Gelu is bounded: onnxruntime's erf and the GPU's, both within 2^-21, have other bits than a rounded one. So
may the scale have, and single elements are quantized to the next integer.
"""

import numpy as np
import pytest

import check
from cases import dynamic_entry, typed_op
from cases.builder import Array, by_id
from cases.dynamic_entry import RESULTS, QuantizeCase
from cases.op import OpCase
from oracles import ORACLES
from session import CUDA, assert_same_bits, run

EXACT = [*dynamic_entry.QUANTIZATIONS, *dynamic_entry.EXACT_GELUS]


def expected(case: QuantizeCase) -> dict[str, Array]:
    """The oracle's results."""
    return results(case, case.x)


def results(case: QuantizeCase, x: Array) -> dict[str, Array]:
    """The oracle's for an x."""
    return dict(zip(RESULTS, ORACLES[case.op](x, *case.constants.values(), **case.attributes), strict=True))


def assert_near(actual: dict[str, Array], wanted: dict[str, Array]) -> None:
    """The scale within 2^-20 of its size, the same zero point, and of y one in 1000 within 1."""
    assert actual.keys() == wanted.keys()
    multipliers = [results["multiplier"].astype(np.float64) for results in (actual, wanted)]
    assert (abs(np.subtract(*multipliers)) <= multipliers[1] * 2.0**-20).all()
    assert np.array_equal(actual["bias"], wanted["bias"])
    difference = np.abs(actual["y"].astype(np.int32) - wanted["y"])
    assert difference.max(initial=0) <= 1
    assert np.count_nonzero(difference) <= 1 + difference.size // 1000


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", EXACT, ids=by_id)
def test_quantization_body(case: QuantizeCase, opset: int) -> None:
    assert_same_bits(run(case.model(opset), case.inputs()).outputs, expected(case))


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", dynamic_entry.GELUS, ids=by_id)
def test_gelu_body(case: QuantizeCase, opset: int) -> None:
    assert_near(run(case.model(opset), case.inputs()).outputs, expected(case))


@pytest.mark.parametrize("case", typed_op.MATMULS, ids=by_id)
def test_matmul_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", EXACT, ids=by_id)
def test_quantization_kernel(case: QuantizeCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", dynamic_entry.GELUS, ids=by_id)
def test_gelu_kernel(case: QuantizeCase) -> None:
    result = run(case.model(), case.inputs(), CUDA)
    assert result.providers(case.op) == {CUDA: 1}
    assert_near(result.outputs, run(case.model(), case.inputs()).outputs)


@pytest.mark.gpu
@pytest.mark.parametrize("case", typed_op.MATMULS, ids=by_id)
def test_matmul_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", dynamic_entry.NANS, ids=by_id)
def test_nan_is_out_of_range_and_lowest(case: QuantizeCase) -> None:
    """What NaN does to the range is not defined on the CPU: here it leaves it alone."""
    x = case.x.copy()
    x[..., ::2] = np.nan
    found = run(case.model(), {"x": x}, CUDA).outputs
    wanted = results(case, np.nan_to_num(x))
    nan = np.isnan(x).transpose(case.perm)
    wanted["y"] = np.where(nan, np.int8(-128), wanted["y"])
    assert_same_bits(found, wanted)
