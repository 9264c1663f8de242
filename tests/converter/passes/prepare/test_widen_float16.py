"""Models in float16: what lies between QuantizeLinear and DequantizeLinear is computed in float32."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import check
from cases.builder import Array
from qudnn import converter
from qudnn.converter.context import Journal, Preparation
from qudnn.converter.functions import DOMAIN
from qudnn.converter.passes.prepare.widen_float16 import WidenFloat16
from session import open_session, outputs

HALF = np.float16
QUANTUM = 0.0625  # of y


class Graph:
    """Nodes in float16, as tools write them that quantize for TensorRT: zero points are 0."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Array) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op_type: str, inputs: Sequence[str], y: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [y], f"{y}_node", **attributes))
        return y

    def pair(self, x: str, scale: float, y: str = "") -> str:
        y = y or f"{x}_dq"
        parameters = [self.constant(np.array(scale, HALF)), self.constant(np.array(0, np.int8))]
        return self.node(
            "DequantizeLinear", [self.node("QuantizeLinear", [x, *parameters], f"{x}_q"), *parameters], y
        )

    def weights(self, *shape: int, axis: int = 0) -> str:
        scales = self.rng.uniform(0.005, 0.02, shape[axis]).astype(HALF)
        parameters = [self.constant(scales), self.constant(np.zeros(shape[axis], np.int8))]
        values = self.rng.normal(0, 0.6, shape).astype(HALF)
        q = self.node(
            "QuantizeLinear", [self.constant(values), *parameters], f"w{len(self.nodes)}", axis=axis
        )
        return self.node("DequantizeLinear", [q, *parameters], f"{q}_dq", axis=axis)

    def conv(self, x: str, y: str, c: int = 4, k: int = 4) -> str:
        bias = self.constant(self.rng.normal(0, 1, k).astype(HALF))
        return self.node("Conv", [x, self.weights(k, c, 3, 3), bias], y, pads=[1, 1, 1, 1])

    def model(self, shape: Sequence[int | str] = ("n", 4, 8, 8)) -> onnx.ModelProto:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT16, shape)
        y = helper.make_tensor_value_info(
            "y", TensorProto.FLOAT16, [f"y{axis}" for axis in range(len(shape))]
        )
        graph = helper.make_graph(self.nodes, "g", [x], [y], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        onnx.checker.check_model(model, full_check=True)
        return model


def plain(g: Graph) -> None:
    g.pair(g.node("Relu", [g.conv(g.pair("x", 0.03), "c")], "r"), QUANTUM, "y")


def residual(g: Graph) -> None:
    x = g.pair("x", 0.03)
    g.pair(g.node("Relu", [g.node("Add", [g.conv(x, "c"), x], "a")], "r"), QUANTUM, "y")


def silu(g: Graph) -> None:
    c = g.conv(g.pair("x", 0.03), "c")
    g.pair(g.node("Mul", [c, g.node("Sigmoid", [c], "s")], "m"), QUANTUM, "y")


def tail(g: Graph) -> None:
    """What no QuantizeLinear follows stays in float16."""
    c = g.conv(g.pair("x", 0.03), "c")
    g.node("Mul", [c, g.node("Sigmoid", [c], "s")], "y")


def pooled(g: Graph) -> None:
    p = g.node("MaxPool", [g.pair("x", 0.03)], "p", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    g.pair(g.conv(g.pair(p, 0.03), "c"), QUANTUM, "y")


def converted_ops(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node if node.domain == DOMAIN)


@pytest.mark.parametrize(
    ("build", "op_type"),
    [
        (plain, "QConv"),
        (residual, "QConvFloatAdd"),
        (silu, "QConvToFloat"),
        (tail, "QConvToFloat"),
        (pooled, "QMaxPool"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_converted(build: Callable[[Graph], None], op_type: str) -> None:
    g = Graph()
    build(g)
    model = g.model()
    conversion = converter.convert(model)
    assert converted_ops(conversion.model)[op_type] == 1
    check.assert_true_report(model, conversion)
    assert "c_node" in [entry.name for entry in conversion.report.approximate]
    assert len({entry.name for entry in conversion.report.approximate}) == len(conversion.report.approximate)
    sessions = [open_session(m) for m in (conversion.model, model)]
    for batch in (1, 3):
        x = np.random.default_rng(1).normal(0, 1.5, (batch, 4, 8, 8)).astype(HALF)
        got, want = (outputs(session, {"x": x})["y"] for session in sessions)
        assert (got.dtype, got.shape) == (HALF, want.shape)
        assert np.unique(want).size > 50
        distance = np.abs(got.astype(np.float64) - want.astype(np.float64))
        assert distance.max() <= (2.0**-8 * np.abs(want).max() if build is tail else QUANTUM * 1.001)
        assert np.mean(distance > 0) < 0.1 or build is tail


def test_what_no_quantized_tensor_reaches_stays_in_float16() -> None:
    g = Graph()
    g.node("Mul", ["x", g.node("Sigmoid", ["x"], "s")], "m")
    g.node("Tanh", [g.conv(g.pair("m", 0.03), "c")], "y")
    conversion = converter.convert(g.model())
    types = check.types_of(conversion.model)
    for name in ("s", "m", "y"):
        assert types[name] == TensorProto.FLOAT16, name
    assert [entry.name for entry in conversion.report.approximate] == ["c_node"]


def test_entries_and_exits_keep_their_bits() -> None:
    """QuantizeLinear of every finite number, and DequantizeLinear of every 8-bit one, whatever follows."""
    g = Graph()
    g.pair(g.node("MaxPool", [g.pair("x", 0.03)], "p", kernel_shape=[1, 1]), 0.03, "y")
    model = g.model(("n", 4, 64, 64))
    widened = ir.from_proto(model)
    context = Preparation.from_journal(Journal.of(widened), widened)
    WidenFloat16(context)(widened)
    assert not context.notes
    proto = ir.to_proto(widened)
    assert [node.op_type for node in proto.graph.node][:2] == ["Cast", "QuantizeLinear"]
    every = np.arange(2**16, dtype=np.uint16).view(HALF)
    every = every[np.isfinite(every)]
    x = np.resize(every, (4, 4, 64, 64)).astype(HALF)
    got, want = (outputs(open_session(m), {"x": x})["y"] for m in (proto, model))
    assert got.dtype == HALF
    assert (got.view(np.uint16) == want.view(np.uint16)).all()


def test_attention_between_quantized_tensors_is_widened() -> None:
    """A matmul of two computed tensors, but not one with weights in float16, which would be slower."""
    g = Graph()
    x = g.pair("x", 0.03)
    q, k = (g.node("MatMul", [x, g.weights(8, 8, axis=1)], name) for name in "qk")
    scores = g.node("MatMul", [q, g.node("Transpose", [k], "t", perm=[0, 2, 1])], "scores")
    soft = g.node("Softmax", [scores], "soft", axis=-1)
    h = g.node("MatMul", [g.pair(soft, 0.01), x], "h")
    dense = g.constant(g.rng.normal(0, 0.3, (8, 8)).astype(HALF))
    g.pair(g.node("MatMul", [h, dense], "dense"), QUANTUM, "y")
    model = g.model(("n", 5, 8))
    conversion = converter.convert(model)
    types = check.types_of(conversion.model)
    assert types["dense"] == TensorProto.FLOAT16
    assert "scores_node" in [entry.name for entry in conversion.report.approximate]
    x_ = np.random.default_rng(1).normal(0, 1.5, (3, 5, 8)).astype(HALF)
    got, want = (outputs(open_session(m), {"x": x_})["y"] for m in (conversion.model, model))
    assert np.abs(got.astype(np.float64) - want.astype(np.float64)).max() <= QUANTUM * 1.001


def test_models_in_float32_are_left_alone() -> None:
    g = Graph()
    plain(g)
    model = g.model()
    for constant in model.graph.initializer:
        array = numpy_helper.to_array(constant)
        if array.dtype == HALF:
            constant.CopyFrom(numpy_helper.from_array(array.astype(np.float32), constant.name))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT
    conversion = converter.convert(model)
    assert "Cast" not in [node.op_type for node in conversion.model.graph.node]
    onnxruntime.InferenceSession(conversion.model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.gpu
@pytest.mark.parametrize("build", [plain, residual, pooled], ids=lambda build: build.__name__)
def test_on_gpu(build: Callable[[Graph], None]) -> None:
    g = Graph()
    build(g)
    conversion = converter.convert(g.model())
    x = np.random.default_rng(1).normal(0, 1.5, (3, 4, 8, 8)).astype(HALF)
    check.assert_same_on_gpu(conversion.model, [{"x": x}])
