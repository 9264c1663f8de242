"""What onnxruntime's dynamic quantizer makes of float networks, converted."""

from collections import Counter
from pathlib import Path

import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

import check
from cases.builder import by_id
from cases.dynamic_graph import CONVS, FUSED_BEHIND, GPU_CASES, MATMULS, QUANTIZERS, DynamicCase, Layer
from qudnn import converter

_FLOAT = {"Relu", "Add", "Gelu", "LayerNormalization"}  # what is left between the matmuls


def assert_converts(case: DynamicCase, opset: int = 13) -> converter.Report:
    """All matmuls are converted, and give the bits of the original for all kinds of inputs."""
    original = case.model(opset)
    conversion = converter.convert(original)
    assert {entry.op_type for entry in conversion.report.left} <= _FLOAT, str(conversion.report)
    found = Counter(node.op_type for node in conversion.model.graph.node if node.domain == "qudnn")
    assert found == case.ops
    inputs = [case.inputs(batch) for batch in (1, 2, 7)] + case.extreme_inputs()
    check.assert_equivalent(original, conversion.model, inputs)
    return conversion.report


@pytest.mark.parametrize("case", [*MATMULS, *CONVS], ids=by_id)
def test_converted(case: DynamicCase) -> None:
    assert_converts(case)


@pytest.mark.parametrize("opset", [13, 15, 17, 19, 21])
@pytest.mark.parametrize("case", [MATMULS[4], MATMULS[8], CONVS[0]], ids=by_id)
def test_opset(case: DynamicCase, opset: int) -> None:
    assert_converts(case, opset)


@pytest.mark.parametrize("case", FUSED_BEHIND, ids=by_id)
def test_fused_after(case: DynamicCase) -> None:
    assert_converts(case, opset=20)


@pytest.mark.parametrize("case", [MATMULS[0], MATMULS[4], MATMULS[8]], ids=by_id)
def test_written_by_the_optimizer(case: DynamicCase, tmp_path: Path) -> None:
    """A model that onnxruntime saved with its own fused operators in it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(
        case.model().SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    optimized = onnx.load_model(tmp_path / "optimized.onnx")
    fused = {"DynamicQuantizeMatMul", "MatMulIntegerToFloat"}
    assert fused & {node.op_type for node in optimized.graph.node}
    conversion = converter.convert(optimized)
    assert {entry.op_type for entry in conversion.report.left} <= _FLOAT, str(conversion.report)
    check.assert_equivalent(optimized, conversion.model, [case.inputs(batch) for batch in (1, 3)])


@st.composite
def networks(draw: st.DrawFn) -> DynamicCase:
    sizes = st.one_of(st.integers(1, 40), st.sampled_from([48, 64, 100]))
    shape = (*draw(st.lists(st.integers(1, 4), max_size=2)), draw(sizes))
    kinds = st.sampled_from(["matmul", "projections", *["gemm"] * (len(shape) == 1)])
    layers = draw(st.lists(st.builds(Layer, kinds, sizes, st.booleans()), min_size=1, max_size=4))
    return DynamicCase(tuple(layers), shape, draw(st.sampled_from(QUANTIZERS)))


@settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), max_examples=60
)
@given(case=networks(), opset=st.sampled_from([13, 17, 21]))
def test_random_network(case: DynamicCase, opset: int) -> None:
    assert_converts(case, opset)


@pytest.mark.gpu
@pytest.mark.parametrize("case", GPU_CASES, ids=by_id)
def test_converted_on_gpu(case: DynamicCase) -> None:
    model = converter.convert(case.model()).model
    for inputs in (case.inputs(1), case.inputs(5), *case.extreme_inputs()):
        check.assert_kernels_match_bodies(model, inputs)
