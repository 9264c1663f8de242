"""The ops at the border of an island, and what becomes one: QuantizeLinear and DequantizeLinear."""

from collections import Counter

import pytest

import check
from cases import border, op
from cases.border import BorderCase
from cases.builder import by_id
from cases.op import OpCase
from qudnn import converter


@pytest.mark.parametrize("case", border.CASES, ids=by_id)
def test_converted(case: BorderCase) -> None:
    check.assert_converts(case, {"QConv": 1})
    nodes = converter.convert(case.model()).model.graph.node
    assert Counter(node.op_type for node in nodes) == {
        "QuantizeToIsland": 1,
        "QConv": 1,
        "DequantizeFromIsland": 1,
    }


@pytest.mark.parametrize("opset", [10, 13, 17, 19, 21, 23])
def test_opset(opset: int) -> None:
    check.assert_converts(border.CASES[1], {"QConv": 1}, opset)


@pytest.mark.parametrize("opset", [13, 17, 19, 21, 23])
@pytest.mark.parametrize("case", op.BORDERS, ids=by_id)
def test_body(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", border.CASES, ids=by_id)
def test_converted_on_gpu(case: BorderCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", op.BORDERS, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
