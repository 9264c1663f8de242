"""Layer normalizations with fused additions, conversions: body = oracle on the CPU, kernel = body on the GPU.

Where onnxruntime's CPU provider makes a SkipLayerNormalization of the body, the body is only near the oracle,
which the kernel equals: mean and variance are rounded otherwise there.
"""

from collections.abc import Mapping

import numpy as np
import pytest

import check
from cases.add_layer_normalization import (
    DYNAMIC_EXACT,
    DYNAMIC_SKIP,
    EXACT,
    RESULTS,
    SKIP,
    NormalizationCase,
)
from cases.builder import Array, by_id
from oracles import ORACLES
from qudnn.converter.functions import DOMAIN
from session import CPU, CUDA, assert_same_bits, run


def results_of(case: NormalizationCase) -> dict[str, Array]:
    """All of the oracle's results."""
    inputs = case.inputs() | dict(case.constants)
    results = ORACLES[case.op](*(inputs[name] for name in case.order), **case.attributes)
    return dict(zip(RESULTS[case.op], results, strict=True))


def expected(case: NormalizationCase) -> dict[str, Array]:
    """Those that the node gives."""
    results = results_of(case)
    return {name: results[name] for name in case.results}


def assert_near(case: NormalizationCase, actual: Mapping[str, Array]) -> None:
    """q within 1; y within 2^-18 of its own size, of the row's mean in deviations, or of 1."""
    wanted = results_of(case)
    rows = wanted["sum"].astype(np.float64)
    sizes = np.abs(rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + 1e-5)
    assert actual.keys() == set(case.results)
    difference = np.abs(actual["q"].astype(np.int32) - wanted["q"])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01
    if "y" in actual:
        bound = np.maximum(np.maximum(np.abs(wanted["y"]), sizes), 1) * 2.0**-18
        assert (np.abs(actual["y"].astype(np.float64) - wanted["y"]) <= bound).all()


def assert_near_dynamically(case: NormalizationCase, actual: Mapping[str, Array]) -> None:
    """y within 2^-18 of its own size, of the row's mean in deviations, or of 1; the rest follows from that.

    Some rows vary so little about a large mean that a quotient moves by more than a quantum.
    """
    wanted = results_of(case)
    rows = wanted["sum"].astype(np.float64)
    sizes = np.abs(rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + 1e-5)
    bound = np.maximum(np.maximum(np.abs(wanted["y"]), sizes), 1) * 2.0**-18
    assert actual.keys() == set(case.results)
    multipliers, scale = wanted["multiplier"].astype(np.float64), wanted["multiplier"][0]
    assert (np.abs(actual["multiplier"] - multipliers) <= 2 * bound.max() / 255 * multipliers / scale).all()
    assert np.array_equal(actual["bias"], wanted["bias"])
    difference = np.abs(actual["q"].astype(np.int32) - wanted["q"])
    assert (difference <= np.ceil(2 * bound / scale)).all()
    assert (difference > 0).mean() < 0.02
    if "y" in actual:
        assert (np.abs(actual["y"].astype(np.float64) - wanted["y"]) <= bound).all()


@pytest.mark.parametrize("case", [*EXACT, *DYNAMIC_EXACT], ids=by_id)
def test_body(case: NormalizationCase) -> None:
    result = run(case.model(), case.inputs())
    assert_same_bits(result.outputs, expected(case))
    assert case.op not in {kernel.op_type for kernel in result.executed}


@pytest.mark.parametrize("case", [*SKIP, *DYNAMIC_SKIP], ids=by_id)
def test_body_as_one_operator(case: NormalizationCase) -> None:
    result = run(case.model(), case.inputs())
    assert result.providers("SkipLayerNormalization") == {CPU: 1}
    near = assert_near_dynamically if case.op.startswith("Dynamic") else assert_near
    near(case, result.outputs)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*EXACT, *DYNAMIC_EXACT], ids=by_id)
def test_kernel(case: NormalizationCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*SKIP, *DYNAMIC_SKIP], ids=by_id)
def test_kernel_where_the_body_is_one_operator(case: NormalizationCase) -> None:
    """The kernel has the bits of LayerNormalization all the same."""
    model = case.model()
    assert [node.op_type for node in model.graph.node if node.domain == DOMAIN] == [case.op]
    result = run(model, case.inputs(), CUDA)
    assert result.providers(case.op) == {CUDA: 1}
    assert_same_bits(result.outputs, expected(case))
