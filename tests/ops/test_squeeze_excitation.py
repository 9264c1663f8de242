"""QSqueezeExcitation: body = oracle on the CPU, kernel = body on the GPU."""

import numpy as np
import pytest

import check
from cases.builder import by_id
from cases.op import OpCase
from cases.squeeze_excitation_op import EFFICIENTNET, LEFT, TAKEN
from oracles import ORACLES


@pytest.mark.parametrize("case", [*TAKEN, *LEFT], ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(opset: int) -> None:
    check.assert_body_matches_oracle(TAKEN[8], opset=opset)


@pytest.mark.parametrize("case", EFFICIENTNET, ids=by_id)
def test_cases_hold_what_decides(case: OpCase) -> None:
    """Channels have gates of their own, and results take all values."""
    x = case.inputs()["x"]
    y = np.asarray(ORACLES[case.op](x, *case.constants.values(), **case.attributes))
    assert len(np.unique(y)) == 256
    gates = {tuple(np.unique(y[0, ..., channel])) for channel in range(y.shape[-1])}
    assert len(gates) > 16
    assert np.mean(np.abs(y.astype(int)) > 120) < 0.3


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*TAKEN, *LEFT], ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*EFFICIENTNET, *TAKEN[8:12]], ids=by_id)
@pytest.mark.parametrize("batch", [2, 9, 32])
def test_kernel_of_batches(case: OpCase, batch: int) -> None:
    """They are shared out among blocks in other ways."""
    check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*EFFICIENTNET[4:], *TAKEN[8:13]], ids=by_id)
def test_kernel_of_many_images(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(300))
