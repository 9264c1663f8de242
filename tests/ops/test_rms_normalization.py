"""AddRMSNormalizationToIsland: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases.add_layer_normalization import RESULTS, NormalizationCase
from cases.builder import by_id
from cases.rms_normalization import CASES
from oracles import ORACLES
from session import CPU, assert_same_bits, run


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: NormalizationCase) -> None:
    inputs = case.inputs() | dict(case.constants)
    results = ORACLES[case.op](*(inputs[name] for name in case.order), **case.attributes)
    expected = dict(zip(RESULTS[case.op], results, strict=True))
    result = run(case.model(), case.inputs())
    assert result.providers("SkipSimplifiedLayerNormalization") == {CPU: 1}
    assert_same_bits(result.outputs, {name: expected[name] for name in case.results})


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: NormalizationCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
