"""AddToIsland, MulToIsland and SoftmaxToIsland: body = oracle on the CPU, kernel = body on the GPU.

Gelu and softmax have a bound and no exact bits: y may differ by one quantum, in one of a thousand at most.
"""

import numpy as np
import pytest

import check
from cases.builder import Array, by_id
from cases.float_entry_op import EXACT, GELU, SOFTMAXES
from cases.op import OpCase
from oracles import ORACLES
from session import CUDA, run


def assert_close(actual: Array, expected: Array) -> None:
    assert actual.shape == expected.shape
    distance = np.abs(actual.astype(np.int32) - expected)
    assert distance.max() <= 1
    assert np.count_nonzero(distance) <= distance.size / 1000
    assert len(np.unique(expected)) > 3


@pytest.mark.parametrize("opset", [13, 17, 21, 23])
@pytest.mark.parametrize("case", EXACT, ids=by_id)
def test_body(case: OpCase, opset: int) -> None:
    check.assert_body_matches_oracle(case, opset=opset)


@pytest.mark.parametrize("case", [*GELU, *SOFTMAXES], ids=by_id)
def test_bounded_body(case: OpCase) -> None:
    inputs = case.inputs()
    expected = ORACLES[case.op](*inputs.values(), *case.constants.values(), **case.attributes)
    assert_close(run(case.model(), inputs).outputs["y"], expected)


@pytest.mark.gpu
@pytest.mark.parametrize("case", EXACT, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*GELU, *SOFTMAXES], ids=by_id)
def test_bounded_kernel(case: OpCase) -> None:
    """What padding holds is not specified."""
    inputs = case.inputs()
    on_gpu = run(case.model(), inputs, CUDA)
    assert on_gpu.providers(case.op) == {CUDA: 1}
    assert_close(on_gpu.outputs["y"], run(case.model(), inputs).outputs["y"])
