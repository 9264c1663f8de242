"""Attention and MaskedAttention: within bounds of what they are in real numbers, see the oracle.

Bodies, and the kernel for what tensor cores do not take, compute in float32: a matmul sums up to 400 terms,
each sum off by 2^-24. On tensor cores each factor is within 2^-11 of its value besides.
"""

import numpy as np
import pytest

from cases import float_attention_op
from cases.builder import Array, by_id
from cases.float_attention_op import FloatAttentionCase
from oracles.float_attention import float_attention
from session import CUDA, run

CASES = [*float_attention_op.FAST, *float_attention_op.PLAIN]
FLOAT32 = 2.0**-15
TF32 = (1 + 2.0**-11) ** 2 - 1 + FLOAT32


def assert_within(actual: Array, expected: Array, bound: Array) -> None:
    assert actual.shape == expected.shape
    assert actual.dtype == np.float32
    nan = np.isnan(expected)
    assert np.array_equal(np.isnan(actual), nan)
    assert np.all(np.abs(actual[~nan] - expected[~nan]) <= bound[~nan])


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: FloatAttentionCase) -> None:
    real = float_attention(*case.arguments(), **case.attributes)
    result = run(case.model(), case.inputs())
    assert case.op not in {kernel.op_type for kernel in result.executed}
    assert_within(result.outputs["y"], real.y, real.bound(FLOAT32))


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", [float_attention_op.FAST[5], float_attention_op.FAST[-1]], ids=by_id)
def test_opset(case: FloatAttentionCase, opset: int) -> None:
    real = float_attention(*case.arguments(), **case.attributes)
    assert_within(run(case.model(opset), case.inputs()).outputs["y"], real.y, real.bound(FLOAT32))


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: FloatAttentionCase) -> None:
    real = float_attention(*case.arguments(), **case.attributes)
    on_gpu = run(case.model(), case.inputs(), CUDA)
    assert on_gpu.providers(case.op) == {CUDA: 1}
    precision = TF32 if case in float_attention_op.FAST else FLOAT32
    assert_within(on_gpu.outputs["y"], real.y, real.bound(precision))
    body = run(case.model(), case.inputs()).outputs["y"]
    assert_within(on_gpu.outputs["y"], body, real.bound(precision) + real.bound(FLOAT32))


@pytest.mark.gpu
@pytest.mark.parametrize("case", float_attention_op.FAST[:4], ids=by_id)
def test_the_providers_use_tf32_counts(case: FloatAttentionCase) -> None:
    """Without TF32 results are as near to the body's as those of float32 are."""
    body = run(case.model(), case.inputs()).outputs["y"]
    far = {}
    for use_tf32 in "01":
        on_gpu = run(case.model(), case.inputs(), CUDA, provider_options={"use_tf32": use_tf32})
        assert on_gpu.providers(case.op) == {CUDA: 1}
        far[use_tf32] = np.abs(on_gpu.outputs["y"] - body).max()
    assert far["0"] < far["1"] / 16
