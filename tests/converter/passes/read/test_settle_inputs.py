"""Inputs with defaults, and sizes of -1: what models of older tools leave open, as onnxruntime takes it."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import Network
from onnx import helper
from qdq_networks import QdqNetwork, normal

from cases.builder import Array
from check import assert_equivalent
from qudnn import converter
from qudnn.converter.cli import main
from session import assert_same_bits, open_session, outputs


def with_constants_as_inputs(model: onnx.ModelProto, ir_version: int) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        )
    model.ir_version = ir_version
    return model


def qoperator(opset: int) -> tuple[onnx.ModelProto, str]:
    net = Network()
    x = net.quantize(net.input("x", "float32", ["n", 4, 9, 8]), "q")
    net.dequantize(net.conv(x, "c", 4, 16, 3), net.unshaped_output("y", "float32"))
    return net.model(opset), "QConv"


def qdq(opset: int) -> tuple[onnx.ModelProto, str]:
    net = QdqNetwork()
    net.y(net.node("MatMul", [net.x(["n", 4]), net.weights("w", (4, 5))], "c"), rank=2)
    return net.model(opset), "QMatMul"


def assert_interchangeable(before: onnx.ModelProto, after: onnx.ModelProto, x: Array) -> None:
    """onnxruntime sees the same inputs of both, which are not declared in the same way, and the same bits."""
    sessions = [open_session(model) for model in (before, after)]
    shown = [[(value.name, value.shape, value.type) for value in s.get_inputs()] for s in sessions]
    assert shown[0] == shown[1]
    assert [name for name, *_ in shown[0]] == ["x"]
    assert not any(session.get_overridable_initializers() for session in sessions)
    assert_same_bits(*(outputs(session, {"x": x}) for session in reversed(sessions)))


@pytest.mark.parametrize("ir_version", [1, 2, 3])
@pytest.mark.parametrize("opset", [10, 13])
@pytest.mark.parametrize("network", [qoperator, qdq])
def test_old_models_have_their_constants_as_inputs(network: object, opset: int, ir_version: int) -> None:
    assert callable(network)
    made, op = network(opset)
    model = with_constants_as_inputs(made, ir_version)
    conversion = converter.convert(model)
    assert conversion.report.converted == {op: 1}
    assert_interchangeable(model, conversion.model, normal(2, 4, 9, 8) if op == "QConv" else normal(2, 4))


def test_newer_models_have_defaults_that_a_caller_may_change() -> None:
    made, _ = qoperator(13)
    model = with_constants_as_inputs(made, 4)
    conversion = converter.convert(model)
    assert conversion.model is model
    (left,) = [entry for entry in conversion.report.left if entry.op_type == "QLinearConv"]
    assert left.reason == (
        "its input scale, scale, is an input with a default, which a caller may change: "
        "let it be an initializer alone, as --constant-defaults does"
    )


@pytest.mark.parametrize("ir_version", [4, 8])
@pytest.mark.parametrize("network", [qoperator, qdq])
def test_defaults_are_constants_if_nobody_gives_others(network: object, ir_version: int) -> None:
    assert callable(network)
    made, op = network(13)
    model = with_constants_as_inputs(made, ir_version)
    conversion = converter.convert(model, constant_defaults=True)
    assert conversion.report.converted == {op: 1}
    inputs = {"x": normal(2, 4, 9, 8) if op == "QConv" else normal(2, 4)}
    sessions = [open_session(each) for each in (model, conversion.model)]
    assert sessions[0].get_overridable_initializers() and not sessions[1].get_overridable_initializers()
    assert_same_bits(*(outputs(session, inputs) for session in sessions))


@pytest.mark.parametrize("verb", ["convert", "inspect"])
def test_commands(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, _ = qoperator(13)
    source, target = tmp_path / "model.onnx", tmp_path / "converted.onnx"
    onnx.save_model(with_constants_as_inputs(made, 8), source)
    words = [verb, str(source), *(["-o", str(target)] if verb == "convert" else [])]
    assert main(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "QConv" not in said and "--constant-defaults" in said
    assert main([*words, "--constant-defaults"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 QConv" in said and "--constant-defaults" not in said


def test_a_default_that_shapes_depend_on_is_not_baked_in() -> None:
    """Reshape's target is a default: the result has other sizes for another one."""
    net = QdqNetwork()
    x = net.node("Reshape", [net.conv(net.x()), net.constant("to", [0, 6, -1], "int64")], "r")
    net.y(net.node("Relu", [net.pair(x, "r_q", 0.09, 131)], "relu"), rank=3)
    model = net.model()
    model.graph.input.append(helper.make_tensor_value_info("to", onnx.TensorProto.INT64, [3]))
    conversion = converter.convert(model)
    assert conversion.report.converted["QConv"] == 1
    inputs = {"x": normal(2, 4, 9, 8)}
    others = inputs | {"to": np.array([0, 3, -1])}
    assert_equivalent(model, conversion.model, [inputs, others])


@pytest.mark.parametrize("sizes", [[-1, 4, 9, 8], [-1, 4, -1, -1], [1, 4, -1, 8]])
def test_sizes_of_minus_one_are_unknown(sizes: list[int]) -> None:
    net = QdqNetwork()
    pooled = net.node("MaxPool", [net.pair(net.conv(net.x()), "c_q", 0.09, 131)], "m", kernel_shape=[2, 2])
    net.y(pooled, 0.09)
    model = net.model()
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, sizes, strict=True):
        dim.Clear()
        dim.dim_value = size
    info = helper.make_tensor_value_info("c_q", onnx.TensorProto.FLOAT, [-1, 6, -1, -1])
    model.graph.value_info.append(info)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1, "QMaxPool": 1}
    assert_interchangeable(model, conversion.model, normal(1, 4, 9, 8))
