"""Float weights that onnxruntime makes integers of when it opens a model: the same integers, all bits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter

WEIGHTS = ("normal", "positive", "negative", "zero", "one number")


def weights(kind: str, shape: Sequence[int]) -> np.ndarray:
    rng = np.random.default_rng(len(kind))
    numbers = {
        "normal": rng.normal(0, 0.3, shape),
        "positive": rng.uniform(0.1, 0.7, shape),
        "negative": rng.uniform(-0.7, -0.1, shape),
        "zero": np.zeros(shape),
        "one number": np.full(shape, 0.37),
    }
    return numbers[kind].astype(np.float32)


def with_conv(
    kind: str = "normal", bias: bool = True, activations: Sequence[str] = (), dtype: str = "uint8"
) -> QdqNetwork:
    net = QdqNetwork(dtype)
    inputs = [net.x(), net.constant("w", weights(kind, (6, 4, 3, 3)))]
    if bias:
        inputs.append(net.constant("b", net.rng.normal(0, 1, 6), "float32"))
    y = net.node("Conv", inputs, "c", pads=[1, 1, 0, 1])
    for place, activation in enumerate(activations):
        more = {
            "Clip": [
                net.constant(f"limit{place}{end}", value, "float32") for end, value in enumerate((-3, 4))
            ]
        }
        y = net.node(activation, [y, *more.get(activation, [])], f"activation{place}")
    net.y(y)
    return net


def with_gemm(bias: bool, transposed: int, **attributes: Any) -> QdqNetwork:
    net = QdqNetwork()
    shape = (6, 12) if transposed else (12, 6)
    inputs = [net.x(("n", 12)), net.constant("w", weights("normal", shape))]
    if bias:
        inputs.append(net.constant("b", net.rng.normal(0, 1, 6), "float32"))
    net.y(net.node("Gemm", inputs, "c", transB=transposed, **attributes), rank=2)
    return net


def saved_by_onnxruntime(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """As it is before integer operators are made."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return onnx.load(path)


def has_integer_weights(model: onnx.ModelProto) -> bool:
    made = {name: node.op_type for node in model.graph.node for name in node.output}
    (node,) = (n for n in model.graph.node if n.op_type in ("Conv", "Gemm", "ConvTranspose"))
    return made.get(node.input[1]) == "DequantizeLinear"


def assert_same_integers(net: QdqNetwork, op: str, path: Path, *shape: int) -> converter.Report:
    """As onnxruntime, and with its results."""
    model = net.model()
    assert has_integer_weights(saved_by_onnxruntime(model, path))
    conversion = converter.convert(model)
    assert conversion.report.converted[op] == 1, str(conversion.report)
    assert not conversion.report.left, str(conversion.report)
    feeds = [{"x": normal(batch, *(shape or (4, 9, 8)))} for batch in (2, 1)]
    if not conversion.report.approximate:
        check.assert_equivalent(model, conversion.model, feeds)
    return conversion.report


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_conv(kind: str, bias: bool, tmp_path: Path) -> None:
    report = assert_same_integers(with_conv(kind, bias), "QConv", tmp_path / "m.onnx")
    assert not report.approximate


@pytest.mark.parametrize("activations", [["Relu"], ["Clip"], ["Relu", "Relu"], ["Clip", "Relu"]])
def test_activations(activations: list[str], tmp_path: Path) -> None:
    assert_same_integers(with_conv(activations=activations), "QConv", tmp_path / "m.onnx")


def test_int8(tmp_path: Path) -> None:
    report = assert_same_integers(with_conv(dtype="int8"), "QConv", tmp_path / "m.onnx")
    assert not report.approximate


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [False, True])
def test_gemm(bias: bool, transposed: int, tmp_path: Path) -> None:
    report = assert_same_integers(with_gemm(bias, transposed), "QBatchMatMul", tmp_path / "m.onnx", 12)
    assert not report.approximate


def test_values(tmp_path: Path) -> None:
    """The integers themselves, beside those that onnxruntime writes."""
    model = with_conv().model()
    saved = saved_by_onnxruntime(model, tmp_path / "m.onnx")
    made = {name: node for node in saved.graph.node for name in node.output}
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in saved.graph.initializer}
    (conv,) = (node for node in saved.graph.node if node.op_type == "Conv")
    q, scale, zero_point = (tensors[name] for name in made[conv.input[1]].input)
    w = weights("normal", (6, 4, 3, 3))
    want_scale = (w.max() - w.min()) / np.float32(255)
    want = np.clip(np.rint(w / want_scale) + np.rint(-128 - w.min() / want_scale), -128, 127)
    assert scale == want_scale and (q == want).all() and zero_point == np.rint(-128 - w.min() / want_scale)


def _sigmoid(net: QdqNetwork, c: str) -> None:
    net.y(net.node("Sigmoid", [c], "after"))


def _read_twice(net: QdqNetwork, c: str) -> None:
    net.y(c)
    net.output(net.node("Tanh", [c], "after"), "float32", list("abcd"))


def _in_float(net: QdqNetwork, c: str) -> None:
    net.output(c, "float32", list("abcd"))


@pytest.mark.parametrize("end", [_sigmoid, _read_twice, _in_float])
def test_others_stay(end: Any, tmp_path: Path) -> None:
    net = QdqNetwork()
    end(net, net.node("Conv", [net.x(), net.constant("w", weights("normal", (6, 4, 3, 3)))], "c"))
    model = net.model()
    assert not has_integer_weights(saved_by_onnxruntime(model, tmp_path / "m.onnx"))
    conversion = converter.convert(model)
    assert "QConv" not in conversion.report.converted
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_bias_that_is_no_constant(tmp_path: Path) -> None:
    net = QdqNetwork()
    inputs = [net.x(), net.constant("w", weights("normal", (6, 4, 3, 3))), net.input("b", "float32", (6,))]
    net.y(net.node("Conv", inputs, "c"))
    model = net.model()
    assert not has_integer_weights(saved_by_onnxruntime(model, tmp_path / "m.onnx"))
    conversion = converter.convert(model)
    assert "QConv" not in conversion.report.converted
    feed = {"x": normal(2, 4, 9, 8), "b": normal(6)}
    check.assert_equivalent(model, conversion.model, [feed])
