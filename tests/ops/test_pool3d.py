"""MaxPool, QLinearAveragePool and QLinearGlobalAveragePool in three dimensions."""

import pytest

import check
from cases import pool3d
from cases.builder import by_id
from cases.op import OpCase
from cases.pool3d import VolumePoolCase

NETWORK = {"QConv3D": 1, "QMaxPool3D": 1, "QAveragePool3D": 1, "QGlobalAveragePool": 1}
BODIES = [*pool3d.MAX_POOLS, *pool3d.AVERAGE_POOLS]


@pytest.mark.parametrize("case", pool3d.NETWORKS, ids=by_id)
def test_network(case: VolumePoolCase) -> None:
    report = check.assert_converts(case, NETWORK)
    assert (report.entries, report.exits, report.islands) == (1, 1, 1)


@pytest.mark.parametrize("opset", [12, 17, 21, 23])
def test_opset(opset: int) -> None:
    check.assert_converts(pool3d.NETWORKS[1], NETWORK, opset)


@pytest.mark.parametrize("case", BODIES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", pool3d.NETWORKS, ids=by_id)
def test_converted_on_gpu(case: VolumePoolCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", BODIES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
