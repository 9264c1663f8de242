"""Small networks: one island with one way in and one way out."""

import pytest

import check
from cases import graph
from cases.builder import by_id
from cases.graph import GraphCase


@pytest.mark.parametrize("case", graph.CASES, ids=by_id)
def test_converted(case: GraphCase) -> None:
    report = check.assert_converts(case, case.ops, batches=[1, 4])
    assert (report.islands, report.entries, report.exits) == (1, 1, 1)


@pytest.mark.parametrize("opset", [12, 13, 17, 21, 23])
def test_opset(opset: int) -> None:
    check.assert_converts(graph.CASES[0], graph.CASES[0].ops, opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", graph.CASES[1:5], ids=by_id)
def test_converted_on_gpu(case: GraphCase) -> None:
    check.assert_converted_runs_on_gpu(case)
