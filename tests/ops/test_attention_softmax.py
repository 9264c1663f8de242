"""QMaskedSoftmax, which has a bound and no exact bits: its exponentials are whatever a machine makes of them.

y may differ by one quantum, where the softmax is all but halfway between two: in one of a thousand at most.
"""

import numpy as np
import pytest

from cases import transformer_op
from cases.builder import Array, by_id, integers, seed_of
from cases.op import OpCase
from oracles import ORACLES
from session import CUDA, run


def inputs_of(case: OpCase) -> dict[str, Array]:
    """The mask lets most through, of every row the first; what it hides gets the lowest number there is."""
    rng = np.random.default_rng(seed_of(case.id))
    x, mask = ((2, *shape) for _, shape in case.tensors.values())
    hidden = rng.random(mask) < 0.3
    hidden[..., 0] = False
    masked = np.where(hidden, np.finfo(np.float32).min, np.float32(0))
    return {"x": integers(rng, "int8", x), "mask": masked}


def assert_close(actual: Array, expected: Array) -> None:
    assert actual.shape == expected.shape
    distance = np.abs(actual.astype(np.int32) - expected)
    assert distance.max() <= 1
    assert np.count_nonzero(distance) <= distance.size / 1000


@pytest.mark.parametrize("case", transformer_op.MASKED_SOFTMAXES, ids=by_id)
def test_body(case: OpCase) -> None:
    inputs = inputs_of(case)
    expected = ORACLES[case.op](*inputs.values(), **case.attributes)
    assert_close(run(case.model(), inputs).outputs["y"], expected)


@pytest.mark.gpu
@pytest.mark.parametrize("case", transformer_op.MASKED_SOFTMAXES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    inputs = inputs_of(case)
    on_gpu = run(case.model(), inputs, CUDA)
    assert on_gpu.providers(case.op) == {CUDA: 1}
    assert_close(on_gpu.outputs["y"], run(case.model(), inputs).outputs["y"])
