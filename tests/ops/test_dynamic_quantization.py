"""Dynamic quantization: DynamicQuantizeToIsland, DynamicQMatMul, DynamicQConv."""

import numpy as np
import pytest

import check
from cases import typed_op
from cases.builder import by_id
from cases.op import OpCase
from cases.typed_op import QuantizeCase
from oracles import ORACLES
from session import CUDA, assert_same_bits, run


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize("case", typed_op.QUANTIZATIONS, ids=by_id)
def test_quantization_body(case: QuantizeCase, opset: int) -> None:
    y, scale, zero_point = ORACLES["DynamicQuantizeToIsland"](case.x, **case.attributes)
    result = run(case.model(opset), case.inputs())
    expected = {"y": y, "scale": np.asarray(scale), "zero_point": np.asarray(zero_point)}
    assert_same_bits(result.outputs, expected)


@pytest.mark.parametrize("case", typed_op.PRODUCTS, ids=by_id)
def test_product_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", typed_op.QUANTIZATIONS, ids=by_id)
def test_quantization_kernel(case: QuantizeCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
@pytest.mark.parametrize("case", typed_op.PRODUCTS, ids=by_id)
def test_product_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())


@pytest.mark.gpu
def test_nan_is_out_of_range_and_lowest() -> None:
    """What NaN does to the range is not defined on the CPU: here it leaves it alone."""
    case = typed_op.QUANTIZATIONS[-2]
    x = case.x.copy()
    x[..., ::2] = np.nan
    found = run(case.model(), {"x": x}, CUDA).outputs
    y, scale, zero_point = ORACLES["DynamicQuantizeToIsland"](np.nan_to_num(x), **case.attributes)
    assert (found["scale"], found["zero_point"]) == (scale, zero_point)
    nan = np.isnan(x).transpose(case.perm)
    assert np.array_equal(found["y"], np.where(nan, np.int8(-128), y))
