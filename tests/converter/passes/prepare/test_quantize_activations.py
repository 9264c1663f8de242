"""Weights that are only stored in 8 bits: on demand, activations beside them are quantized at run time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from same_bits import Graph

from cases.builder import Array
from qudnn import converter
from qudnn.converter.cli import main
from qudnn.converter.functions import DOMAIN
from session import assert_same_bits, open_session, outputs

FLOAT = onnx.TensorProto.FLOAT
OPTION = "--quantize-activations quantizes that at run time"


class WeightOnly(Graph):
    """float32 activations and 8-bit weights."""

    def cast(
        self, values: str, y: str, scale: Any, zero_point: float | None = None, swapped: bool = False
    ) -> str:
        floats = self.node("Cast", [values], f"{y}_f", to=FLOAT)
        if zero_point is not None:
            floats = self.node("Sub", [floats, self.number(zero_point)], f"{y}_z")
        inputs = [floats, self.constant(f"{y}_s", scale, "float32")]
        return self.node("Mul", inputs[::-1] if swapped else inputs, y)


def converted(g: Graph, ops: dict[str, int], opset: int = 17) -> onnx.ModelProto:
    """With the option: these ops, and results as near as the quantization of the activations lets them be.

    Without it nothing is converted, and the report says how it would be.
    """
    model = g.model(opset)
    before = converter.convert(model)
    assert not before.report.converted
    assert any(node.reason.endswith(OPTION) for node in before.report.left), str(before.report)
    conversion = converter.convert(model, quantize_activations=True)
    report, found = conversion.report, conversion.model
    ours = [node.op_type for node in found.graph.node if node.domain == DOMAIN]
    assert {op: ours.count(op) for op in ops} == ops, str(report)
    assert "1/510" in str(report.approximate[0].reason)
    onnx.checker.check_model(found, full_check=True)
    want, got = (outputs(open_session(m), g.feeds) for m in (model, found))
    for name, value in want.items():
        error = np.sqrt(np.mean((got[name] - value) ** 2)) / np.sqrt(np.mean(value**2))
        assert 0 < error < 0.02, (name, error)
    return found


def as_a_quantizer_writes_it(x: str, w: Array, scale: Array, zero_point: float) -> onnx.ModelProto:
    """The dynamically quantized model that onnxruntime's quantizer would make."""
    g = Graph()
    g.input(x, "float32", ["n", w.shape[0]])
    names = ["q", "s", "z"]
    g.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [x], names))
    inputs = ["q", g.constant("w", w), "z", g.constant("wz", np.array(zero_point, w.dtype))]
    floats = g.node("Cast", [g.node("MatMulInteger", inputs, "i")], "f", to=FLOAT)
    g.y(g.node("Mul", [floats, g.node("Mul", ["s", g.constant("ws", scale)], "ss")], "y"))
    return g.model(17)


@pytest.mark.parametrize("zero_point", [None, 131.0])
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("scale_shape", [(), (1,), (24,), (1, 24)])
def test_cast_and_multiplied(scale_shape: Sequence[int], swapped: bool, zero_point: float | None) -> None:
    g = WeightOnly(1)
    x = g.x("x", "float32", (5, 40), ("n", 40))
    dtype = "int8" if zero_point is None else "uint8"
    values, scale = g.random(dtype, (40, 24)), g.rng.uniform(0.01, 0.02, scale_shape).astype(np.float32)
    w = g.cast(values, "w", scale, zero_point, swapped)
    g.y(g.node("MatMul", [x, w], "y"))
    model = converted(g, {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1})
    array = onnx.numpy_helper.to_array(g.constants[0])
    expected = as_a_quantizer_writes_it("x", array, scale.reshape(-1), zero_point or 0)
    assert_same_bits(*(outputs(open_session(m), g.feeds) for m in (model, expected)))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("op_type", ["MatMul", "Gemm"])
def test_dequantized(op_type: str, bias: bool, per_channel: bool, transposed: bool) -> None:
    g = WeightOnly(2)
    x = g.x("x", "float32", (5, 40), ("n", 40))
    shape = (24, 40) if transposed else (40, 24)
    scale = g.rng.uniform(0.01, 0.02, 24 if per_channel else ()).astype(np.float32)
    parameters = g.constant("scale", scale), g.constant("zero", np.zeros(scale.shape), "int8")
    axis: dict[str, Any] = {"axis": 0 if transposed else 1} if per_channel else {}
    w = g.dequantize(g.random("int8", shape), "w", *parameters, **axis)
    inputs = [x, w]
    attributes: dict[str, Any] = {}
    if transposed and op_type == "Gemm":
        attributes["transB"] = 1
    elif transposed:
        inputs[1] = g.node("Transpose", [w], "w_t", perm=[1, 0])
    if op_type == "Gemm" and bias:
        inputs.append(g.random("float32", (24,)))
    y = g.node(op_type, inputs, "y", **attributes)
    if op_type == "MatMul" and bias:
        y = g.node("Add", [y, g.random("float32", (24,))], "sum")
    g.y(y)
    model = converted(g, {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1})
    assert [node.op_type for node in model.graph.node] == ["DynamicQuantizeToIsland", "DynamicQMatMul"]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("x", "w", "attributes"),
    [
        ((2, 8, 9, 7), (12, 8, 3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 1]}),
        ((2, 8, 9, 7), (8, 1, 3, 3), {"group": 8}),
        ((2, 8, 11), (12, 8, 3), {"auto_pad": "SAME_UPPER"}),
    ],
)
def test_conv(
    x: Sequence[int], w: Sequence[int], attributes: dict[str, Any], bias: bool, per_channel: bool
) -> None:
    g = WeightOnly(3)
    g.x("x", "float32", x, ("n", *x[1:]))
    scale = g.rng.uniform(0.01, 0.02, w[0] if per_channel else ()).astype(np.float32)
    parameters = g.constant("scale", scale), g.constant("zero", np.zeros(scale.shape), "int8")
    weights = g.dequantize(g.random("int8", w), "w", *parameters, axis=0)
    inputs = ["x", weights, *[g.random("float32", (w[0],))] * bias]
    g.y(g.node("Conv", inputs, "y", **attributes), rank=len(x))
    converted(g, {"DynamicQuantizeToIsland": 1, "DynamicQConv": 1})


def test_matmuls_of_one_tensor_quantize_it_once() -> None:
    g = WeightOnly(4)
    x = g.x("x", "float32", (5, 40), ("n", 40))
    for name in "qkv":
        w = g.cast(g.random("int8", (40, 16)), f"w{name}", 0.01)
        g.y(g.node("MatMul", [x, w], name))
    converted(g, {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 3})


def test_of_what_a_node_computes() -> None:
    g = WeightOnly(5)
    x = g.node("Relu", [g.x("x", "float32", (2, 3, 40), ("n", "s", 40))], "r")
    w = g.cast(g.random("int8", (40, 16)), "w", 0.01)
    g.y(g.node("Tanh", [g.node("MatMul", [x, w], "m")], "y"), rank=3)
    converted(g, {"DynamicQMatMul": 1})


def _blocked(g: WeightOnly) -> str:
    scale = g.constant("scale", g.rng.uniform(0.01, 0.02, (2, 24)), "float32")
    return g.dequantize(g.random("int8", (32, 24)), "w", scale, axis=0, block_size=16)


REFUSED: dict[str, Callable[[WeightOnly], str]] = {
    "scales for more than its outputs": lambda g: g.cast(g.random("int8", (32, 24)), "w", np.ones((32, 1))),
    "in blocks": _blocked,
    "not 8 bits wide": lambda g: g.dequantize(g.random("int16", (32, 24)), "w", g.number(0.01)),
    "no uint8": lambda g: g.cast(g.random("uint8", (32, 24)), "w", 0.01, 130.5),
    "not two dimensions": lambda g: g.cast(g.random("int8", (2, 32, 24)), "w", 0.01),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refused(reason: str) -> None:
    """It stays as it is, with the option too, and the report says why."""
    g = WeightOnly(6)
    x = g.x("x", "float32", (2, 5, 32))
    g.y(g.node("MatMul", [x, REFUSED[reason](g)], "y"), rank=3)
    model = g.model(21)
    conversion = converter.convert(model, quantize_activations=True)
    assert not conversion.report.converted
    if reason != "not 8 bits wide":  # 16 bits are not few
        (left,) = (node.reason for node in conversion.report.left if node.op_type == "MatMul")
        assert reason in left
    assert conversion.model == model


def test_excluded() -> None:
    g = WeightOnly(7)
    x = g.x("x", "float32", (5, 32))
    g.y(g.node("MatMul", [x, g.cast(g.random("int8", (32, 24)), "w", 0.01)], "y"))
    model = g.model(17)
    conversion = converter.convert(model, quantize_activations=True, exclude=["MatMul"])
    assert conversion.model == model


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    g = WeightOnly(8)
    x = g.x("x", "float32", (5, 32))
    g.y(g.node("MatMul", [x, g.cast(g.random("int8", (32, 24)), "w", 0.01)], "y"))
    source, target = tmp_path / "model.onnx", tmp_path / "converted.onnx"
    onnx.save_model(g.model(17), source)
    assert main(["convert", str(source), "-o", str(target)]) == 0
    assert OPTION in " ".join(capsys.readouterr().out.split())
    assert onnx.load_model(target) == g.model(17)
    assert main(["convert", str(source), "-o", str(target), "--quantize-activations"]) == 0
    assert "DynamicQMatMul" in {node.op_type for node in onnx.load_model(target).graph.node}
    assert main(["inspect", str(source), "--quantize-activations"]) == 0
    assert "DynamicQMatMul" in capsys.readouterr().out
