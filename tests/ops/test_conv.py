"""QLinearConv -> QConv."""

from dataclasses import replace

import pytest

import check
from cases import conv, op
from cases.builder import by_id
from cases.conv import ConvCase
from cases.onnx_node import OnnxNodeCase, load
from cases.op import OpCase
from session import assert_same_bits, run


@pytest.mark.parametrize("case", conv.CASES, ids=by_id)
def test_converted(case: ConvCase) -> None:
    report = check.assert_converts(case, {"QConv": 1})
    assert (report.entries, report.exits, report.islands) == (1, 1, 1)


@pytest.mark.parametrize("opset", [10, 11, 12, 13, 14, 17, 19, 21, 23])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_opset(opset: int, dtype: str) -> None:
    check.assert_converts(replace(conv.CASES[0], x_dtype=dtype), {"QConv": 1}, opset)


@pytest.mark.parametrize(("case", "reason"), conv.DECLINED, ids=by_id)
def test_declined(case: ConvCase, reason: str) -> None:
    check.assert_declines(case, "QLinearConv", reason)


@pytest.mark.parametrize("case", conv.BEYOND_INT8, ids=by_id)
def test_weights_beyond_int8(case: ConvCase) -> None:
    """Channels come several times, each time with a part of their weights."""
    report = check.assert_converts(case, {"QConv": 1, "Gather": 1})
    assert not report.approximate


@pytest.mark.parametrize("case", load("QLinearConv", "constant"), ids=by_id)
def test_onnx_node_test_beyond_int8(case: OnnxNodeCase) -> None:
    check.assert_converts(case, {"QConv": 1, "Gather": 1}, batches=[1])


@pytest.mark.parametrize("case", load("QLinearConv", "fitted"), ids=by_id)
def test_onnx_node_test(case: OnnxNodeCase) -> None:
    check.assert_converts(case, {"QConv": 1}, batches=[1])


def test_onnx_node_test_declined() -> None:
    cases = load("QLinearConv", "variable")
    assert cases
    for case in cases:
        check.assert_declines(case, "QLinearConv", "input scale must be constant")
        assert_same_bits(run(case.model(), case.inputs()).outputs, case.expected)


@pytest.mark.parametrize("case", op.CONVS, ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("case", [*op.CONV_ADDS, *op.CONV_FLOAT_ADDS], ids=by_id)
def test_body_that_adds(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", conv.GPU_CASES, ids=by_id)
def test_converted_on_gpu(case: ConvCase) -> None:
    check.assert_converted_runs_on_gpu(case)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*op.CONVS, *op.CONV_ADDS, *op.CONV_FLOAT_ADDS], ids=by_id)
def test_kernel(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs())
