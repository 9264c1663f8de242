"""Models in float16: what lies between QuantizeLinear and DequantizeLinear is computed in float32."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from half_networks import HALF, HalfNetwork
from onnx import TensorProto, numpy_helper

import check
from qudnn import converter
from qudnn.converter.context import Journal, Preparation
from qudnn.converter.functions import DOMAIN
from qudnn.converter.passes.prepare.widen_float16 import WidenFloat16
from session import open_session, outputs

QUANTUM = 0.0625  # of y


def plain(g: HalfNetwork) -> None:
    g.pair(g.node("Relu", [g.conv(g.pair("x", 0.03), "c")], "r"), QUANTUM, "y")


def residual(g: HalfNetwork) -> None:
    x = g.pair("x", 0.03)
    g.pair(g.node("Relu", [g.node("Add", [g.conv(x, "c"), x], "a")], "r"), QUANTUM, "y")


def silu(g: HalfNetwork) -> None:
    c = g.conv(g.pair("x", 0.03), "c")
    g.pair(g.node("Mul", [c, g.node("Sigmoid", [c], "s")], "m"), QUANTUM, "y")


def tail(g: HalfNetwork) -> None:
    """What no QuantizeLinear follows stays in float16."""
    c = g.conv(g.pair("x", 0.03), "c")
    g.node("Mul", [c, g.node("Sigmoid", [c], "s")], "y")


def pooled(g: HalfNetwork) -> None:
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
def test_converted(build: Callable[[HalfNetwork], None], op_type: str) -> None:
    g = HalfNetwork()
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
    g = HalfNetwork()
    g.node("Mul", ["x", g.node("Sigmoid", ["x"], "s")], "m")
    g.node("Tanh", [g.conv(g.pair("m", 0.03), "c")], "y")
    conversion = converter.convert(g.model())
    types = check.types_of(conversion.model)
    for name in ("s", "m", "y"):
        assert types[name] == TensorProto.FLOAT16, name
    assert [entry.name for entry in conversion.report.approximate] == ["c_node"]


def test_constants_in_float16_are_gone_that_nothing_reads() -> None:
    g = HalfNetwork()
    g.conv(g.pair("x", 0.03), "y")
    model = g.model()
    initializers = converter.convert(model).model.graph.initializer
    assert sum(array.data_type == TensorProto.FLOAT16 for array in model.graph.initializer) == 4
    assert not [array.name for array in initializers if array.data_type == TensorProto.FLOAT16]


def test_entries_and_exits_keep_their_bits() -> None:
    """QuantizeLinear of every finite number, and DequantizeLinear of every 8-bit one, whatever follows."""
    g = HalfNetwork()
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
    g = HalfNetwork()
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
    g = HalfNetwork()
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
def test_on_gpu(build: Callable[[HalfNetwork], None]) -> None:
    g = HalfNetwork()
    build(g)
    conversion = converter.convert(g.model())
    x = np.random.default_rng(1).normal(0, 1.5, (3, 4, 8, 8)).astype(HALF)
    check.assert_same_on_gpu(conversion.model, [{"x": x}])
