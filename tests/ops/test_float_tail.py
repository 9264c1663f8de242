"""FloatGlobalAveragePool, FloatMaxPool, FloatAveragePool and FloatPointwise.

The first two: body = oracle on the CPU, kernel = body on the GPU. The others, which add up in any order: both
are within the oracle's bound.
"""

from collections.abc import Callable

import numpy as np
import pytest

import check
from cases.builder import Array, by_id
from cases.float_tail_op import AVERAGES, POINTWISE, POOLS
from cases.op import OpCase
from oracles.float_tail import float_average_pool, float_pointwise
from session import CUDA, run


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", POOLS, ids=by_id)
def test_pools_body(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("case", POOLS, ids=by_id)
def test_pools_kernel(case: OpCase, batch: int) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


BOUNDED: dict[str, Callable[..., tuple[Array, Array]]] = {
    "FloatAveragePool": float_average_pool,
    "FloatPointwise": float_pointwise,
}


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", [*AVERAGES, *POINTWISE], ids=by_id)
def test_bounded_body(case: OpCase, opset: int) -> None:
    inputs = case.inputs()
    result = run(case.model(opset), inputs)
    assert case.op not in {kernel.op_type for kernel in result.executed}
    y, bound = BOUNDED[case.op](*inputs.values(), *case.constants.values(), **case.attributes)
    assert result.outputs["y"].shape == y.shape
    assert np.all(np.abs(result.outputs["y"] - y) <= bound)
    assert np.unique(y).size > y.size // 3 or y.size < 8  # not all clipped


@pytest.mark.gpu
@pytest.mark.parametrize("batch", [1, 2, 4, 5, 33])
@pytest.mark.parametrize("case", [*AVERAGES, *POINTWISE], ids=by_id)
def test_bounded_kernel(case: OpCase, batch: int) -> None:
    inputs = case.inputs(batch)
    on_gpu = run(case.model(), inputs, CUDA)
    assert on_gpu.providers(case.op) == {CUDA: 1}
    y, bound = BOUNDED[case.op](*inputs.values(), *case.constants.values(), **case.attributes)
    assert np.all(np.abs(on_gpu.outputs["y"] - y) <= bound)
