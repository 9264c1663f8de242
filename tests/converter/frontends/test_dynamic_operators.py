"""Single operators of dynamic quantization: matmuls of float32 tensors, integer convolutions."""

from collections import Counter

import numpy as np
import pytest

import check
from cases.builder import Case, GraphBuilder, by_id
from cases.dynamic import (
    BATCHED,
    CONVS,
    DECLINED,
    GPU_CASES,
    MATMULS,
    STATIC,
    ConvIntegerCase,
    DynamicMatMulCase,
)
from cases.onnx_node import OnnxNodeCase, load
from qudnn import converter
from qudnn.converter.functions import DOMAIN, function_proto
from session import assert_same_bits, run


def assert_converts(case: Case, ops: dict[str, int], opset: int = 13) -> converter.Report:
    original = case.model(opset)
    conversion = converter.convert(original)
    assert Counter(n.op_type for n in conversion.model.graph.node if n.domain == DOMAIN) == ops
    check.assert_equivalent(original, conversion.model, [case.inputs(batch) for batch in (2, 1)])
    return conversion.report


@pytest.mark.parametrize("case", MATMULS, ids=by_id)
def test_matmul(case: DynamicMatMulCase) -> None:
    report = assert_converts(case, {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1})
    left = [(entry.op_type, entry.reason) for entry in report.left]
    stays = ("DynamicQuantizeLinear", "it is not at the border of an island")
    assert left == ([stays] if case.form == "quantized_is_output" else [])


@pytest.mark.parametrize("case", BATCHED, ids=by_id)
def test_matmul_with_several_matrices(case: DynamicMatMulCase) -> None:
    report = assert_converts(case, {"DynamicQuantizeToIsland": 1, "DynamicQBatchMatMul": 1})
    assert {entry.op_type for entry in report.left} <= {"Add"}


@pytest.mark.parametrize("case", STATIC, ids=by_id)
def test_static_matmul_in_float(case: DynamicMatMulCase) -> None:
    original = case.model()
    conversion = converter.convert(original)
    assert not conversion.report.left
    (matmul,) = {"QMatMulToFloat", "QBatchMatMulToFloat"} & conversion.report.converted.keys()
    assert matmul == "QMatMulToFloat" or case.has_zero_point or case.b_dtype == "uint8"  # beyond int8
    check.assert_equivalent(original, conversion.model, [case.inputs(batch) for batch in (2, 1)])


@pytest.mark.parametrize("opset", [11, 13, 17, 21])
def test_scale_of_the_input_alone(opset: int) -> None:
    """What is multiplied by one scale after the other still is: by one scale it would have other bits."""
    case = DynamicMatMulCase(form="input_scale_first", per_column=True)
    report = assert_converts(case, {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}, opset)
    assert [entry.op_type for entry in report.left] == ["Mul", "Add"]


@pytest.mark.parametrize("case", CONVS, ids=by_id)
def test_conv_integer(case: ConvIntegerCase) -> None:
    report = assert_converts(case, {"ConvertToIsland": 1, "QConvToInt32": 1})
    assert not report.left


@pytest.mark.parametrize(("case", "op_type", "reason"), DECLINED, ids=by_id)
def test_declined(case: Case, op_type: str, reason: str) -> None:
    check.assert_declines(case, op_type, reason)


@pytest.mark.parametrize("case", load("ConvInteger", "constant"), ids=by_id)
def test_onnx_node_test_of_conv_integer(case: OnnxNodeCase) -> None:
    """onnxruntime itself has no zero points for each output."""
    conversion = converter.convert(case.model())
    assert conversion.report.converted["QConvToInt32"] == 1
    assert not conversion.report.left
    assert_same_bits(run(conversion.model, case.inputs()).outputs, case.expected)


def test_onnx_node_test_of_conv_integer_declined() -> None:
    case = load("ConvInteger", "variable")[0]
    check.assert_declines(case, "ConvInteger", "weight must be constant")


@pytest.mark.parametrize("case", load("DynamicQuantizeLinear", "constant"), ids=by_id)
def test_onnx_node_test_of_dynamic_quantize_linear(case: OnnxNodeCase) -> None:
    """The function gives what the node test expects, less 128, for weights of the sum -1 and the scale 1."""
    ((_, x),) = case.values.items()
    g = GraphBuilder()
    names = ["y", "zero_point", "scale"]
    attributes = {"perm": list(range(x.ndim)), "pads": [0] * 2 * x.ndim}
    inputs = [
        g.input("x", "float32", x.shape),
        g.constant("w_sum", [-1], "int32"),
        g.constant("w_scale", [1], "float32"),
    ]
    g.node("DynamicQuantizeToIsland", inputs, "y", DOMAIN, **attributes)
    g.nodes[-1].output.extend(names[1:])
    for name, dtype, shape in zip(names, ("int8", "int32", "float32"), (x.shape, (1,), (1,)), strict=True):
        g.output(name, dtype, shape)
    model = g.model(13, [function_proto("DynamicQuantizeToIsland", 13)])
    found = run(model, {"x": x}).outputs
    y, scale, zero_point = case.expected.values()
    signed = (y ^ np.uint8(128)).view(np.int8)
    shifted = zero_point.astype(np.int32)[None] - 128
    assert_same_bits(found, {"y": signed, "zero_point": shifted, "scale": scale[None]})


@pytest.mark.gpu
@pytest.mark.parametrize("case", GPU_CASES, ids=by_id)
def test_converted_on_gpu(case: Case) -> None:
    check.assert_converted_runs_on_gpu(case)
