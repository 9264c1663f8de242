"""Attention is one island: nothing crosses inside of it, nothing is transposed."""

import pytest

import check
from cases import attention
from cases.attention import AttentionCase
from cases.builder import by_id
from qudnn import converter

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

BETWEEN = {"QAdd", "QMul", "QTable"}
SHAPES = {"Shape", "Gather", "Concat"}


def matmul_of(case: AttentionCase) -> str:
    """That of the result: on uint8 tensors it adds its bias."""
    return "QMatMulAdd" if case.biases and case.form == "QOperator" else "QMatMul"


@pytest.mark.parametrize("case", attention.CASES, ids=by_id)
def test_one_island(case: AttentionCase) -> None:
    conversion = converter.convert(case.model())
    report = conversion.report
    assert (report.islands, report.entries, report.exits) == (1, 1, 1), str(report)
    assert {entry.op_type for entry in report.left} <= SHAPES, str(report)
    assert not report.approximate, str(report)
    ops = dict(report.converted)
    assert [ops.pop(op) for op in ("QProjections", matmul_of(case), "QAttention", "Reshape")] == [1, 1, 1, 2]
    assert ops.keys() <= BETWEEN
    check.assert_equivalent(case.model(), conversion.model, [case.inputs(), case.inputs(1, 16)])


@pytest.mark.parametrize("case", attention.GEMMS, ids=by_id)
def test_gemms(case: AttentionCase) -> None:
    """Q, K and V have Reshapes of their own, in float."""
    conversion = converter.convert(case.model())
    report = conversion.report
    assert (report.islands, report.exits) == (1, 1), str(report)
    assert {entry.op_type for entry in report.left} <= {"Reshape"}, str(report)
    assert {crossing.kind for crossing in report.crossings if "Reshape" in crossing.reason} == {"entry"}
    assert "Transpose" not in {node.op_type for node in conversion.model.graph.node}
    check.assert_equivalent(case.model(), conversion.model, [case.inputs()])


@pytest.mark.parametrize("case", attention.UNLIKE, ids=by_id)
def test_heads_broadcast(case: AttentionCase) -> None:
    conversion = converter.convert(case.model())
    report = conversion.report
    assert (report.islands, report.entries, report.exits) == (1, 1, 1), str(report)
    assert not report.approximate, str(report)
    ops = report.converted
    assert [ops[op] for op in ("QProjections", "QAttention")] == [1, 1]
    inputs = [case.inputs(), case.inputs(1, 16), case.inputs(3, 1)]
    check.assert_equivalent(case.model(), conversion.model, inputs)


@pytest.mark.parametrize("case", attention.CASES, ids=by_id)
def test_padded_heads_are_written_so(case: AttentionCase) -> None:
    """What writes Q, K and V leaves the gaps between heads that 16 channels need: no Gather moves them."""
    conversion = converter.convert(case.model())
    assert "Gather" not in conversion.report.converted


@pytest.mark.gpu
@pytest.mark.parametrize(
    "case",
    [case for case in (*attention.CASES, *attention.GEMMS, *attention.UNLIKE) if case.shapes == "zeros"],
    ids=by_id,
)
def test_converted_on_gpu(case: AttentionCase) -> None:
    """Of those that compute no sizes, which onnxruntime does on the CPU."""
    conversion = converter.convert(case.model())
    check.assert_kernels_match_bodies(conversion.model, case.inputs())
