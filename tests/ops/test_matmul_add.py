"""QMatMulAdd and QMatMulAddTable: body = oracle on the CPU, kernel = body on the GPU."""

import numpy as np
import pytest

import check
from cases.builder import by_id
from cases.matmul_add_op import MATMUL_ADDS, TOKENS, matmul_add
from cases.op import INT8, OpCase
from oracles import ORACLES


@pytest.mark.parametrize("case", [*MATMUL_ADDS, *TOKENS], ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("case", [MATMUL_ADDS[0], MATMUL_ADDS[7]], ids=by_id)
@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


def one_element(seed: int) -> OpCase:
    """A result for which onnxruntime exchanges the operands of the sum."""
    scale = 0.013 + 0.007 * seed
    scales = {"a_scale": scale, "b_scale": 0.1 - scale / 2}
    return matmul_add(f"one{seed}", dtype=INT8, result_first=seed % 2 == 0, c=3, k=1, **scales)


@pytest.mark.parametrize("seed", range(8))
def test_body_of_one_element(seed: int) -> None:
    check.assert_body_matches_oracle(one_element(seed), batch=1)


@pytest.mark.parametrize("case", TOKENS[:4], ids=by_id)
def test_the_order_decides(case: OpCase) -> None:
    """The cases tell which operand the result is, and that its rounding stands between both formulas."""
    x, (constant, *weights) = case.inputs(99)["x"], case.constants.values()
    y = ORACLES[case.op](x, constant, *weights, **case.attributes)
    assert len(np.unique(y)) > 100
    exchanged = {**case.attributes, "result_first": 1 - case.attributes["result_first"]}
    assert (y != ORACLES[case.op](x, constant, *weights, **exchanged)).any()


@pytest.mark.gpu
@pytest.mark.parametrize("case", MATMUL_ADDS, ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
@pytest.mark.parametrize("rows", [1, 33, 4099])
@pytest.mark.parametrize("case", TOKENS, ids=by_id)
def test_kernel_of_rows(case: OpCase, rows: int) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(rows))


@pytest.mark.gpu
@pytest.mark.parametrize("seed", range(8))
def test_kernel_of_one_element(seed: int) -> None:
    case = one_element(seed)
    check.assert_kernels_match_bodies(case.model(), case.inputs(1))
