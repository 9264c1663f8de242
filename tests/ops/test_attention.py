"""QAttention and QMaskedAttention.

The latter has a bound: what is one quantum off in the softmax (see test_attention_softmax.py) changes a
result by 255 * y_multiplier at most, which is below one quantum in these cases. Against the ops that it is
made of, run on the same machine, it has their bits.
"""

import numpy as np
import pytest

from cases import attention_op
from cases.attention_op import AttentionOpCase
from cases.builder import Array, by_id
from oracles import ORACLES
from session import CUDA, assert_same_bits, run

CASES = [*attention_op.LINEAR, *attention_op.MASKED]


def assert_close(actual: Array, expected: Array) -> None:
    assert actual.shape == expected.shape
    distance = np.abs(actual.astype(np.int32) - expected)
    assert distance.max() <= 1
    assert np.count_nonzero(distance) <= distance.size / 50


def assert_equal(case: AttentionOpCase, actual: Array, expected: Array) -> None:
    if case.mask is None:
        assert_same_bits({"y": actual}, {"y": expected})
    else:
        assert_close(actual, expected)


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: AttentionOpCase) -> None:
    expected = ORACLES[case.op](*case.arguments(), **case.attributes)
    result = run(case.model(), case.inputs())
    assert case.op not in {kernel.op_type for kernel in result.executed}
    assert_equal(case, result.outputs["y"], expected)


@pytest.mark.parametrize("case", CASES[:: len(CASES) // 6], ids=by_id)
def test_body_is_the_chain(case: AttentionOpCase) -> None:
    assert_same_bits(run(case.model(), case.inputs()).outputs, run(case.chain(), case.inputs()).outputs)


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", [attention_op.LINEAR[7], attention_op.MASKED[1]], ids=by_id)
def test_opset(case: AttentionOpCase, opset: int) -> None:
    expected = ORACLES[case.op](*case.arguments(), **case.attributes)
    assert_equal(case, run(case.model(opset), case.inputs()).outputs["y"], expected)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: AttentionOpCase) -> None:
    on_gpu = run(case.model(), case.inputs(), CUDA)
    assert on_gpu.providers(case.op) == {CUDA: 1}
    assert_equal(case, on_gpu.outputs["y"], run(case.model(), case.inputs()).outputs["y"])


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel_is_the_chain(case: AttentionOpCase) -> None:
    assert_same_bits(
        run(case.model(), case.inputs(), CUDA).outputs, run(case.chain(), case.inputs(), CUDA).outputs
    )
