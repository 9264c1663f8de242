"""ArgMaxFromIsland: body = oracle on the CPU, kernel = body on the GPU."""

import numpy as np
import pytest

import check
from cases.arg_max_op import CASES, arg_max
from cases.builder import by_id
from cases.op import OpCase
from session import CUDA, assert_same_bits, run


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("last", [0, 1])
@pytest.mark.parametrize("channels", [21, 150])
def test_kernel_of_equal_values(channels: int, last: int, sign: int) -> None:
    case = arg_max("few_values", (9, 8), channels, 160, sign, last)
    values = np.random.default_rng(0).integers(-2, 2, (2, 9, 8, 160)).astype(np.int8)
    expected, actual = run(case.model(), {"x": values}), run(case.model(), {"x": values}, CUDA)
    assert actual.providers("ArgMaxFromIsland") == {CUDA: 1}
    assert_same_bits(actual.outputs, expected.outputs)
