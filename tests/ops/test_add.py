"""QLinearAdd -> QAdd, or into the convolution before it, over all 65,536 pairs of values."""

from dataclasses import replace

import pytest

import check
from cases import add, op
from cases.add import AddCase
from cases.builder import by_id
from cases.op import OpCase


@pytest.mark.parametrize("case", add.CASES, ids=by_id)
def test_converted(case: AddCase) -> None:
    check.assert_converts(case, {"QConvAdd": 1}, batches=[1])


def test_batch_size() -> None:
    check.assert_converts(add.CASES[0], {"QConvAdd": 1}, batches=[1, 3])


@pytest.mark.parametrize(("case", "reason"), add.DECLINED, ids=by_id)
def test_declined(case: AddCase, reason: str) -> None:
    check.assert_declines(case, "QLinearAdd", reason)


@pytest.mark.parametrize("case", op.ADDS, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("seed", range(8))
def test_body_of_one_element(seed: int) -> None:
    # onnxruntime takes a tensor of one element for a scalar that it broadcasts.
    scale = 0.013 + 0.007 * seed
    case = op.add(f"one{seed}", shape=(1,), a_scale=scale, b_scale=0.1 - scale / 2, dtype=op.INT8)
    check.assert_body_matches_oracle(replace(case), batch=1)


@pytest.mark.gpu
@pytest.mark.parametrize("case", add.GPU_CASES, ids=by_id)
def test_converted_on_gpu(case: AddCase) -> None:
    check.assert_converted_runs_on_gpu(case, batch=1)


@pytest.mark.gpu
@pytest.mark.parametrize("case", op.ADDS, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
