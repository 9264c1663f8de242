"""QLinearConv in three dimensions -> QConv3D."""

import pytest

import check
from cases import conv3d
from cases.builder import by_id
from cases.conv import ConvCase
from cases.conv3d import VolumeNetworkCase
from cases.op import OpCase


@pytest.mark.parametrize("case", conv3d.CASES, ids=by_id)
def test_converted(case: ConvCase) -> None:
    report = check.assert_converts(case, {"QConv3D": 1})
    assert (report.entries, report.exits, report.islands) == (1, 1, 1)


@pytest.mark.parametrize("opset", [10, 13, 19, 23])
def test_opset(opset: int) -> None:
    check.assert_converts(conv3d.CASES[1], {"QConv3D": 1}, opset)


@pytest.mark.parametrize("case", conv3d.NETWORKS, ids=by_id)
def test_network(case: VolumeNetworkCase) -> None:
    report = check.assert_converts(case, case.ops)
    assert (report.entries, report.exits, report.islands) == (1, 1, 1)


@pytest.mark.parametrize("case", conv3d.OPS, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*conv3d.GPU_CASES, *conv3d.NETWORKS], ids=by_id)
def test_converted_on_gpu(case: ConvCase | VolumeNetworkCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", conv3d.OPS, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
