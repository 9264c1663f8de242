"""QLayerNormalization, alone, to float32 and averaged: body = oracle on the CPU, kernel = body on the GPU."""

import pytest

import check
from cases import transformer_op
from cases.builder import Array, by_id
from cases.op import OpCase

OPSET = 17  # the first with LayerNormalization


def inputs_of(case: OpCase) -> dict[str, Array]:
    """Beside random rows some that vary little, about a large mean, and one that does not vary at all."""
    inputs = case.inputs()
    x = inputs["x"].reshape(-1, inputs["x"].shape[-1])
    x[1::3] = x[1::3] // 64 + 120
    x[0] = 17
    return inputs


CASES = [
    *transformer_op.LAYER_NORMALIZATIONS,
    *(transformer_op.to_float(case) for case in transformer_op.LAYER_NORMALIZATIONS),
    *transformer_op.NORMALIZATION_MEANS,
]


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case, opset=OPSET, inputs=inputs_of(case))


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(OPSET), inputs_of(case))
