"""DynamicQuantizeLSTM.

With functions of the C library results are bounded: exp and log are rounded from float64, and the library's
are within one unit in the last place of that. A state at the edge is quantized to the next integer then.
"""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import check
from cases import lstm
from cases.builder import Array, by_id
from cases.lstm import LSTMCase
from oracles import ORACLES
from oracles.lstm import sigmoid, tanh
from qudnn import converter
from session import CUDA, assert_same_bits, run

OP = "DynamicQLSTM"
CASES = [*lstm.EXACT, *lstm.BOUNDED]
BATCHES = (1, 2, 5, 19)


def expected(model: onnx.ModelProto, inputs: dict[str, Array]) -> dict[str, Array]:
    """What the oracle makes of the converted model's only node."""
    (node,) = model.graph.node
    values = inputs | {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    attributes["direction"] = attributes["direction"].decode()
    attributes["activations"] = [name.decode() for name in attributes.get("activations", [])]
    results = ORACLES[OP](*(values[name] if name else None for name in node.input), **attributes)
    wanted = {output.name for output in model.graph.output}
    named = dict(zip(node.output, results, strict=True))
    return {name: value for name, value in named.items() if name in wanted}


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_converted(case: LSTMCase) -> None:
    report = check.assert_converts(case, {OP: 1}, batches=BATCHES)
    assert len(report.approximate) == 1
    reason = report.approximate[0].reason
    assert "single thread" in reason
    assert ("the last place" in reason) == (case in lstm.BOUNDED)


@pytest.mark.parametrize("opset", [11, 17, 21, 23])
def test_opset(opset: int) -> None:
    check.assert_converts(lstm.EXACT[5], {OP: 1}, opset)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_body(case: LSTMCase, batch: int) -> None:
    model = converter.convert(case.model()).model
    inputs = case.inputs(batch)
    result = run(model, inputs)
    assert OP not in {kernel.op_type for kernel in result.executed}  # the body ran
    assert_near(result.outputs, expected(model, inputs), case)


def assert_near(actual: dict[str, Array], wanted: dict[str, Array], case: LSTMCase) -> None:
    if case in lstm.EXACT:
        assert_same_bits(actual, wanted)
        return
    assert actual.keys() == wanted.keys()
    for name, values in actual.items():
        assert values.shape == wanted[name].shape
        assert np.abs(values - wanted[name]).max() <= 2.0**-8 * np.abs(wanted[name]).max()


def test_states_are_neither_all_small_nor_all_clamped() -> None:
    """Otherwise the cases would prove little."""
    for case in lstm.EXACT:
        values = run(case.model(), case.inputs()).outputs.get("y_h")
        if values is not None and values.size > 4:
            assert len(np.unique(values)) > values.size // 4
            assert np.abs(values).max() > 0.02


@pytest.mark.parametrize("function", [sigmoid, tanh], ids=["Sigmoid", "Tanh"])
def test_activations(function: object, request: pytest.FixtureRequest) -> None:
    """Bit for bit those of onnxruntime's operators, at numbers all over the range."""
    x = np.arange(0, 0x42000000, 9973, dtype=np.uint32).view(np.float32)
    x = np.concatenate([x, -x])
    name = request.node.callspec.id
    graph = helper.make_graph(
        [helper.make_node(name, ["x"], ["y"])],
        "activation",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [len(x)])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [len(x)])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert callable(function)
    assert_same_bits(run(model, {"x": x}).outputs, {"y": function(x)})


@pytest.mark.gpu
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("case", lstm.EXACT, ids=by_id)
def test_kernel(case: LSTMCase, batch: int) -> None:
    check.assert_converted_runs_on_gpu(case, batch)


@pytest.mark.gpu
@pytest.mark.parametrize("case", lstm.BOUNDED, ids=by_id)
def test_bounded_kernel(case: LSTMCase) -> None:
    model = converter.convert(case.model()).model
    result = run(model, case.inputs(), CUDA)
    assert result.providers(OP) == {CUDA: 1}
    assert_near(result.outputs, run(model, case.inputs()).outputs, case)
