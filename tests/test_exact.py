"""zoo.exact computes what the operators say: on float models, what onnxruntime computes, but for float32."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from cases.builder import Array, GraphBuilder
from session import open_session, outputs
from zoo import exact
from zoo.architectures import SMALL
from zoo.layers import layer


def assert_close(model: onnx.ModelProto, feed: dict[str, Array]) -> None:
    """Within what float32 loses."""
    want = exact.run(model, feed)
    for name, value in outputs(open_session(model), feed).items():
        np.testing.assert_allclose(value, want[name], rtol=1e-3, atol=1e-4 * np.abs(want[name]).max())


@pytest.mark.parametrize("name", SMALL)
def test_networks(name: str) -> None:
    model = SMALL[name]()
    _, *shape = (size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim)
    x = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    assert_close(model, {"x": x})


@pytest.mark.parametrize("op", ["AveragePool", "MaxPool"])
@pytest.mark.parametrize(
    "given",
    [
        {"pads": [1, 0, 2, 1]},
        {"strides": [2, 3], "ceil_mode": 1},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
        {"pads": [1, 1, 1, 1], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1},
    ],
    ids=str,
)
def test_pools(op: str, given: dict[str, Any]) -> None:
    if op == "MaxPool":
        given = {name: value for name, value in given.items() if name != "count_include_pad"}
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 11, 8])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    node = helper.make_node(op, ["x"], ["y"], kernel_shape=[3, 4], **given)
    graph = helper.make_graph([node], "pool", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert_close(model, {"x": np.random.default_rng(1).normal(0, 1, (2, 3, 11, 8)).astype(np.float32)})


def test_quantization() -> None:
    """Ties go to the even number, also where float64 does not hit them: 0.1 * 25 is no half of 0.1."""
    g = GraphBuilder()
    parameters = g.parameters("q", 0.1, 3, "int8")
    x = g.input("x", "float32", ["n"])
    y = g.node("QuantizeLinear", [x, *parameters], "y")
    g.output(g.node("DequantizeLinear", [y, *parameters], "z"), "float32", ["n"])
    g.output(y, "int8", ["n"])
    scale = np.float64(np.float32(0.1))
    found = exact.run(g.model(13), {"x": np.array([2.5, 3.5, -2.5, 200.0, -200.0]) * scale})
    np.testing.assert_array_equal(found["y"], np.array([5, 7, 1, 127, -128], np.int8))
    np.testing.assert_array_equal(found["z"], (found["y"].astype(np.float64) - 3) * scale)


def test_layer() -> None:
    """An operator comes with its DequantizeLinears, the activation after it and its QuantizeLinear."""
    g = GraphBuilder()
    parameters = g.parameters("q", 0.1, 3, "int8")
    x = g.node("DequantizeLinear", [g.input("x", "int8", ["n"]), *parameters], "a")
    y = g.node("Relu", [g.node("Neg", [x], "b")], "c")
    y = g.node("QuantizeLinear", [y, *parameters], "d")
    g.output(g.node("DequantizeLinear", [y, *parameters], "e"), "float32", ["n"])
    model = g.model(13)
    (name,) = (node.name for node in model.graph.node if node.op_type == "Neg")
    found = layer(model, name)
    assert found is not None
    assert [node.op_type for node in found.graph.node] == [
        "DequantizeLinear",
        "Neg",
        "Relu",
        "QuantizeLinear",
    ]
    assert layer(model, "nobody") is None
    values = exact.run(model, {"x": np.arange(-128, 128).astype(np.int8)}, ["d"])
    got = outputs(open_session(found), {"x": np.arange(-128, 128).astype(np.int8)})
    np.testing.assert_array_equal(got["d"], values["d"])
