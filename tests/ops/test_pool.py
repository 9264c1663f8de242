"""MaxPool -> QMaxPool, QLinearGlobalAveragePool -> QGlobalAveragePool."""

import pytest

import check
from cases import op, pool
from cases.builder import by_id
from cases.op import OpCase
from cases.pool import PoolCase

OPS = {"max": "QMaxPool", "global_average": "QGlobalAveragePool"}
BODIES = [*op.MAX_POOLS, *op.GLOBAL_AVERAGE_POOLS]


@pytest.mark.parametrize("case", pool.CASES, ids=by_id)
def test_converted(case: PoolCase) -> None:
    report = check.assert_converts(case, {"QConv": 1, OPS[case.kind]: 1})
    assert (report.entries, report.exits, report.islands) == (1, 1, 1)


@pytest.mark.parametrize("opset", [12, 13, 17, 21, 23])
@pytest.mark.parametrize("case", [pool.MAX_POOLS[4], pool.GLOBAL_AVERAGE_POOLS[1]], ids=by_id)
def test_opset(case: PoolCase, opset: int) -> None:
    check.assert_converts(case, {"QConv": 1, OPS[case.kind]: 1}, opset)


@pytest.mark.parametrize("case", BODIES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", pool.GPU_CASES, ids=by_id)
def test_converted_on_gpu(case: PoolCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", BODIES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
