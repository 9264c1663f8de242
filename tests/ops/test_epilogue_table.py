"""QConvTable and QMatMulTable: body = oracle on the CPU, kernel = body on the GPU."""

import numpy as np
import pytest

import check
from cases.builder import by_id
from cases.epilogue_table_op import CONVS, MATMULS
from cases.op import OpCase
from oracles import ORACLES


@pytest.mark.parametrize("case", [*CONVS, *MATMULS], ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("case", [CONVS[1], CONVS[-1], MATMULS[1]], ids=by_id)
@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.parametrize("case", [case for case in CONVS if "y_pads" in case.attributes], ids=by_id)
def test_padding_is_no_entry_of_a_zero_point(case: OpCase) -> None:
    """The cases tell padding with the table's zero point from padding that was looked up."""
    zero_point, padding = (case.attributes[name] for name in ("y_zero_point", "table_zero_point"))
    assert padding not in (zero_point, case.constants["table"][128 + zero_point])


@pytest.mark.parametrize("case", [*CONVS[:3], MATMULS[1], MATMULS[3]], ids=by_id)
def test_many_entries_are_looked_up(case: OpCase) -> None:
    constants = {name: value for name, value in case.constants.items() if name != "table"}
    formula = ORACLES[case.op.removesuffix("Table")]
    looked_up = formula(case.inputs()["x"], *constants.values(), **case.attributes)
    assert len(np.unique(looked_up)) > 100


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*CONVS, *MATMULS], ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))
