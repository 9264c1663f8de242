"""DynamicQuantizeLSTM in networks, and where it is left as it is."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper

import check
from cases.builder import MICROSOFT, GraphBuilder, integers
from cases.lstm import OPTIONS, LSTMCase
from qudnn import converter


def reason(model: onnx.ModelProto) -> str:
    """Why the operator of the model was left."""
    conversion = converter.convert(model)
    assert [node.op_type for node in conversion.model.graph.node] == ["DynamicQuantizeLSTM"]
    (left,) = conversion.report.left
    return left.reason


def replaced(model: onnx.ModelProto, name: str, value: object) -> onnx.ModelProto:
    """With another constant."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    (tensor,) = (tensor for tensor in changed.graph.initializer if tensor.name == name)
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.asarray(value), name))
    return changed


def test_states_of_ended_sequences() -> None:
    case = LSTMCase(options=("sequence_lens",), results=("y_h", "y_c"))
    check.assert_declines(case, "DynamicQuantizeLSTM", "keeps states of ended sequences")
    model = case.model()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    assert converter.convert(model).report.converted == {"DynamicQLSTM": 1}


def test_a_batch_of_one_is_exact() -> None:
    case = LSTMCase(options=OPTIONS)
    assert len(converter.convert(case.model()).report.approximate) == 1
    model = case.model()
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    assert not converter.convert(model).report.approximate


def test_weights_that_are_no_constants() -> None:
    model = LSTMCase().model()
    (w,) = (tensor for tensor in model.graph.initializer if tensor.name == "w")
    model.graph.input.append(helper.make_tensor_value_info("w", w.data_type, w.dims))
    model.graph.initializer.remove(w)
    assert "must be constant" in reason(model)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("w", np.zeros((1, 20, 44), np.int8), r"have the shape \[1, 20, 44\]"),
        ("w", np.zeros((1, 20, 48), np.float32), "float32, not 8 bits"),
        ("r", np.zeros((1, 13, 48), np.int8), "for 13 states, not 12"),
        ("w_scale", np.ones(3, np.float32), r"has the shape \[3\]"),
        ("w_zero", np.zeros(1, np.uint8), "zero point is uint8"),
        ("r_zero", np.ones((1, 48), np.int8), "zero points differ"),
        ("r_scale", np.full(1, np.inf, np.float32), "finite"),
    ],
)
def test_constants_that_no_runtime_takes(name: str, value: object, expected: str) -> None:
    assert re.search(expected, reason(replaced(LSTMCase().model(), name, value)))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"direction": "up"}, "'up'"),
        ({"clip": -1.0}, "clips at -1"),
        ({"activations": ["Sigmoid", "Tanh"]}, "activations are Sigmoid, Tanh"),
        ({"activations": ["Sigmoid", "Tanh", "Gelu"]}, "Gelu"),
    ],
)
def test_attributes_that_no_runtime_takes(attributes: dict[str, object], expected: str) -> None:
    model = LSTMCase().model()
    (node,) = model.graph.node
    kept = [attribute for attribute in node.attribute if attribute.name not in attributes]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(n, v) for n, v in attributes.items())])
    assert expected in reason(model)


def test_more_states_than_the_kernel_takes() -> None:
    assert "more than 4096" in reason(LSTMCase(channels=1, hidden=4097).model())


def test_zero_points_of_each_output_and_one_scale() -> None:
    model = replaced(LSTMCase().model(), "w_zero", np.zeros((1, 48), np.int8))
    conversion = converter.convert(model)
    assert conversion.report.converted == {"DynamicQLSTM": 1}
    check.assert_equivalent(model, conversion.model, [LSTMCase().inputs()])


def stacked(opset: int = 17) -> onnx.ModelProto:
    """Two layers as PyTorch exports them, batch first and with zeros at the start, and a dynamic matmul."""
    rng = np.random.default_rng(3)
    g = GraphBuilder()
    hidden = 24
    x = g.node("Transpose", [g.input("x", "float32", ["N", "T", 20])], "moved", perm=[1, 0, 2])
    batch = g.node("Gather", [g.node("Shape", [x], "shape"), g.constant("one", [1], "int64")], "batch")
    sizes = [g.constant("two", [2], "int64"), batch, g.constant("states", [hidden], "int64")]
    zeros = g.node("ConstantOfShape", [g.node("Concat", sizes, "sizes", axis=0)], "zeros")
    for layer, channels in enumerate((20, 2 * hidden)):
        weights, parameters = [], []
        for what, width in (("w", channels), ("r", hidden)):
            name = f"{what}{layer}"
            weights.append(g.constant(name, integers(rng, "int8", (2, width, 4 * hidden))))
            parameters.append(g.constant(f"{name}_scale", [0.004, 0.003], "float32"))
            parameters.append(g.constant(f"{name}_zero", [0, 0], "int8"))
        bias = g.constant(f"b{layer}", rng.standard_normal((2, 8 * hidden)), "float32")
        inputs = [x, *weights, bias, "", zeros, zeros, "", *parameters]
        attributes = {"direction": "bidirectional", "hidden_size": hidden}
        y = g.node("DynamicQuantizeLSTM", inputs, f"y{layer}", MICROSOFT, **attributes)
        g.nodes[-1].output.extend([f"y{layer}_h", f"y{layer}_c"])
        y = g.node("Transpose", [y], f"turned{layer}", perm=[0, 2, 1, 3])
        x = g.node("Reshape", [y, g.constant(f"flat{layer}", [0, 0, -1], "int64")], f"flattened{layer}")
    g.node("DynamicQuantizeLinear", [x], "x_q")
    g.nodes[-1].output.extend(["x_scale", "x_zero"])
    g.constant("m", integers(rng, "int8", (2 * hidden, 15)))
    scale = g.node("Mul", ["x_scale", g.constant("m_scale", 0.01, "float32")], "scale")
    product = g.node("MatMulInteger", ["x_q", "m", "x_zero", g.constant("m_zero", 0, "int8")], "product")
    real = g.node("Cast", [product], "real", to=onnx.TensorProto.FLOAT)
    g.output(g.node("Mul", [real, scale], "logits"), "float32", ["T", "N", 15])
    return g.model(opset)


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_network(opset: int) -> None:
    model = stacked(opset)
    conversion = converter.convert(model)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert (found["DynamicQLSTM"], found["DynamicQMatMul"]) == (2, 1)
    assert not [entry for entry in conversion.report.left if entry.op_type == "DynamicQuantizeLSTM"]
    rng = np.random.default_rng(5)
    shapes = ((1, 9, 20), (3, 4, 20))
    inputs = [{"x": rng.standard_normal(shape).astype(np.float32)} for shape in shapes]
    check.assert_equivalent(model, conversion.model, inputs)


@pytest.mark.gpu
def test_network_on_gpu() -> None:
    model = converter.convert(stacked()).model
    rng = np.random.default_rng(5)
    shapes = ((1, 9, 20), (3, 4, 20))
    check.assert_same_on_gpu(model, [{"x": rng.standard_normal(s).astype(np.float32)} for s in shapes])


def test_names_survive() -> None:
    """The converted node has the original's name, and writes the outputs of the graph."""
    case = replace(LSTMCase(), options=OPTIONS)
    (node,) = converter.convert(case.model()).model.graph.node
    assert (node.name, list(node.output)) == ("y_node", ["y", "y_h", "y_c"])


@pytest.mark.parametrize(("op_type", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_between_static_pairs_they_stay_in_float(op_type: str, gates: int) -> None:
    """onnxruntime's CUDA provider has kernels for them in float32, and no provider has integer ones."""
    rng = np.random.default_rng(7)
    g = GraphBuilder()
    hidden = 16

    def pair(x: str, output: str) -> str:
        parameters = g.parameters(x, 0.02, 128, "uint8")
        quantized = g.node("QuantizeLinear", [x, *parameters], f"{x}_q")
        return g.node("DequantizeLinear", [quantized, *parameters], output)

    inputs = [pair(g.input("x", "float32", ["T", "N", 24]), "x_real")]
    for name, width in (("w", 24), ("r", hidden)):
        weight = g.constant(name, integers(rng, "int8", (1, gates * hidden, width)))
        inputs.append(
            g.node("DequantizeLinear", [weight, *g.parameters(name, 0.003, 0, "int8")], f"{name}_real")
        )
    g.node(op_type, inputs, "y", hidden_size=hidden)
    g.output(pair("y", "z"), "float32", ["T", 1, "N", hidden])
    model = g.model(17)
    conversion = converter.convert(model)
    (reason,) = (entry.reason for entry in conversion.report.left if entry.op_type == op_type)
    assert reason == "it works in floating point"
    x = rng.standard_normal((5, 2, 24)).astype(np.float32)
    check.assert_equivalent(model, conversion.model, [{"x": x}])
