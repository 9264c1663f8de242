"""Convolutions of dequantized tensors whose result is consumed in float32: QConvToFloat and QConvFloatAdd."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from qdq_networks import RESULT_SCALE, SCALE, QdqNetwork, assert_converts, normal

import check
from qudnn import converter
from qudnn.converter.functions import DOMAIN
from session import open_session, outputs

CHANGED = 3e-6  # of the largest result: by how much the last bits of a float32 convolution may differ
Tail = Callable[[QdqNetwork, str], None]


def pooled(net: QdqNetwork, c: str) -> None:
    net.output(net.node("GlobalAveragePool", [c], "y"), "float32", list("nchw"))


def max_pooled(net: QdqNetwork, c: str) -> None:
    net.output(net.node("MaxPool", [c], "y", kernel_shape=[2, 2]), "float32", list("nchw"))


def silu(net: QdqNetwork, c: str) -> None:
    net.output(net.node("Mul", [c, net.node("Sigmoid", [c], "s")], "y"), "float32", list("nchw"))


def is_output(net: QdqNetwork, c: str) -> None:
    net.output(c, "float32", list("nchw"))


def normalized(net: QdqNetwork, c: str) -> None:
    net.output(normalization(net, c, "y"), "float32", list("nchw"))


def rectified(net: QdqNetwork, c: str) -> None:
    net.output(net.node("Relu", [c], "y"), "float32", list("nchw"))


def quantized_too(net: QdqNetwork, c: str) -> None:
    net.y(c)
    net.output(net.node("Relu", [c], "y"), "float32", list("nchw"))


def normalization(net: QdqNetwork, x: str, y: str, channels: int = 6, **vectors: Any) -> str:
    given = {
        "scale": net.rng.uniform(-1.5, 1.5, channels),
        "bias": net.rng.normal(0, 1, channels),
        "mean": net.rng.normal(0, 1, channels),
        "variance": net.rng.uniform(0.5, 2, channels),
        **vectors,
    }
    inputs = [net.constant(f"{y}_{name}", np.asarray(array), "float32") for name, array in given.items()]
    return net.node("BatchNormalization", [x, *inputs], y, epsilon=1e-3)


def assert_within(model: onnx.ModelProto, op_type: str, tolerance: float, *shape: int) -> converter.Report:
    """Exactly one op of this kind is in the converted model, whose results are within the tolerance.

    tolerance: relative to the largest result. Results of the bodies are those of the original, nearly.
    """
    conversion = converter.convert(model)
    check.assert_true_report(model, conversion)
    found = Counter(node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN)
    assert found[op_type] == 1, found
    sessions = [open_session(m) for m in (conversion.model, model)]
    for batch in (2, 1):
        feed = {value.name: normal(batch, *(shape or (4, 9, 8))) for value in model.graph.input}
        got, want = (outputs(session, feed) for session in sessions)
        for name, value in want.items():
            assert got[name].shape == value.shape
            assert np.unique(value).size > min(10, value.size // 3)
            assert np.abs(got[name] - value).max() <= tolerance * np.abs(value).max(), name
    return conversion.report


@pytest.mark.parametrize(
    "tail", [pooled, max_pooled, silu, is_output, normalized, rectified], ids=lambda tail: tail.__name__
)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("bias", [None, "int32", "float"])
def test_result_in_float(tail: Tail, dtype: str, bias: str | None) -> None:
    net = QdqNetwork(dtype)
    tail(net, net.conv(net.x(), bias=bias))
    report = assert_within(net.model(), "QConvToFloat", CHANGED)
    assert [(entry.name, "last bits" in entry.reason) for entry in report.approximate] == [("c_node", True)]
    assert "c_node" not in [entry.name for entry in report.left]


def test_result_in_float_and_quantized() -> None:
    net = QdqNetwork()
    quantized_too(net, net.conv(net.x()))
    assert_within(net.model(), "QConvToFloat", 1e-2)


@pytest.mark.parametrize(
    ("channels", "outputs", "group", "kernel", "attributes"),
    [
        (4, 6, 1, (1, 1), {}),
        (16, 32, 1, (3, 3), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
        (4, 5, 1, (3, 2), {"dilations": [2, 3], "pads": [2, 0, 1, 3]}),
        (6, 4, 2, (3, 3), {}),
        (5, 5, 5, (3, 3), {"pads": [1, 1, 1, 1]}),
        (32, 32, 32, (3, 3), {"pads": [0, 1, 1, 0], "strides": [1, 2]}),
        (4, 8, 4, (3, 3), {}),
    ],
)
def test_geometries(
    channels: int, outputs: int, group: int, kernel: tuple[int, int], attributes: dict[str, Any]
) -> None:
    for added in (False, True):
        net = QdqNetwork()
        w = net.weights("w", (outputs, channels // group, *kernel), 0)
        c = net.node("Conv", [net.x(("n", channels, 9, 8)), w], "c", group=group, **attributes)
        if not added:
            is_output(net, c)
            assert_within(net.model(), "QConvToFloat", CHANGED, channels, 9, 8)
            continue
        v = net.weights("v", (outputs, channels // group, *kernel), 0)
        d = net.node("Conv", ["x_q", v], "d", group=group, **attributes)
        skip = net.pair(d, "d_q", RESULT_SCALE * 2, 120)
        net.y(net.node("Add", [skip, c], "a"), RESULT_SCALE * 4)
        assert_converts(
            net.model(), {"QConv": 1, "QConvFloatAdd": 1}, (channels, 9, 8), False, RESULT_SCALE * 4
        )


def test_of_one_dimension() -> None:
    for added in (False, True):
        net = QdqNetwork()
        x = net.x(("n", 4, 20))
        c = net.node("Conv", [x, net.weights("w", (4, 4, 3), 0)], "c", pads=[1, 1])
        if added:
            net.y(net.node("Add", [c, x], "a"), RESULT_SCALE * 4, rank=3)
            ops = {"Unsqueeze": 2, "QConvFloatAdd": 1, "Squeeze": 1}
            assert_converts(net.model(), ops, (4, 20), False, RESULT_SCALE * 4)
        else:
            net.output(c, "float32", list("ncw"))
            assert_within(net.model(), "QConvToFloat", CHANGED, 4, 20)


def residual(dtype: str, activation: str | None, first: bool, norm: bool, bias: str | None) -> QdqNetwork:
    net = QdqNetwork(dtype)
    x = net.x()
    inputs = [x, net.weights("c_w", (4, 4, 3, 3), 0)]
    if bias is not None:
        inputs.append(net.constant("c_b", net.rng.normal(0, 1, 4), "float32"))
    c = net.node("Conv", inputs, "c", pads=[1, 1, 1, 1])
    if norm:
        c = normalization(net, c, "b", 4)
    y = net.node("Add", [c, x] if first else [x, c], "a")
    if activation is not None:
        bounds = [net.constant(f"bound{i}", i * 6.0, "float32") for i in (0, 1)]
        y = net.node(activation, [y, *bounds] if activation == "Clip" else [y], "r")
    net.y(y, RESULT_SCALE * 2, 131 if activation is None else 0)
    return net


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("activation", [None, "Relu", "Clip"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("norm", "bias"), [(False, None), (False, "float"), (True, None), (True, "float")])
def test_residual(dtype: str, activation: str | None, first: bool, norm: bool, bias: str | None) -> None:
    """The addition is of real numbers: a sum that rounds the other way is rare."""
    model = residual(dtype, activation, first, norm, bias).model()
    report = assert_converts(model, {"QConvFloatAdd": 1}, exact=False, scale=RESULT_SCALE * 2)
    assert [entry.name for entry in report.approximate] == ["c_node"]
    assert "is added to a tensor before it is quantized" in report.approximate[0].reason
    conversion = converter.convert(model)
    feed = {"x": normal(8, 4, 9, 8)}
    got, want = (outputs(open_session(m), feed) for m in (conversion.model, model))
    differing = sum((got[name] != value).sum() for name, value in want.items())
    assert differing <= 2


@pytest.mark.parametrize("relu", [False, True])
def test_normalization_is_folded(relu: bool) -> None:
    net = QdqNetwork("int8")
    b = normalization(net, net.conv(net.x(), bias="float"), "b")
    net.y(net.node("Relu", [b], "r") if relu else b)
    report = assert_converts(net.model(), {"QConv": 1}, exact=False)
    reason = "clips more" if relu else "normalized before its result is quantized"
    assert reason in report.approximate[0].reason


def test_normalization_without_effect_on_a_channel_is_not_folded_into_integers() -> None:
    """A factor of 0 has no unit for the bias: the result stays in float32, where it has one."""
    net = QdqNetwork("int8")
    scale = [1.0, 0.0, -1.0, 0.5, 2.0, 1.0]
    net.y(normalization(net, net.conv(net.x(), bias="float"), "b", scale=scale))
    assert_within(net.model(), "QConvToFloat", 1e-2)


def test_what_is_no_residual_stays_in_float() -> None:
    """A tensor of another shape, one in float32, and one that is quantized per channel."""
    for skip in ("broadcast", "float", "channels"):
        net = QdqNetwork()
        x = net.x()
        c = net.node("Conv", [x, net.weights("c_w", (4, 4, 3, 3), 0)], "c", pads=[1, 1, 1, 1])
        if skip == "broadcast":
            other = net.pair(net.node("GlobalAveragePool", [x], "g"), "g_q", SCALE, 119)
        elif skip == "float":
            other = "x"
        else:
            scales = net.constant("s", SCALE * net.rng.uniform(0.5, 1.5, 4), "float32")
            zeros = net.constant("z", np.full(4, 128), "uint8")
            net.node("QuantizeLinear", ["x", scales, zeros], "x_8", axis=1)
            other = net.dequantize("x_8", [scales, zeros], "x_d", axis=1)
        net.y(net.node("Add", [c, other], "a"), RESULT_SCALE * 4)
        assert_within(net.model(), "QConvToFloat", 1e-2)


def test_volumes_stay() -> None:
    net = QdqNetwork()
    inputs = [net.x(("n", 4, 3, 6, 5)), net.weights("c_w", (6, 4, 3, 3, 3), 0)]
    net.output(net.node("Conv", inputs, "c"), "float32", list("ncdhw"))
    conversion = converter.convert(net.model())
    assert [entry.name for entry in conversion.report.left if entry.op_type == "Conv"] == ["c_node"]


def test_casts_to_the_type_that_a_tensor_has_are_dropped() -> None:
    net = QdqNetwork()
    c = net.node("Cast", [net.conv(net.x())], "cast", to=onnx.TensorProto.FLOAT)
    net.y(net.node("Cast", [net.node("Relu", [c], "r")], "cast_2", to=onnx.TensorProto.FLOAT), zero_point=0)
    assert_converts(net.model(), {"QConv": 1})


@pytest.mark.gpu
@pytest.mark.parametrize("activation", [None, "Relu"])
@pytest.mark.parametrize("norm", [False, True])
def test_residual_on_gpu(activation: str | None, norm: bool) -> None:
    conversion = converter.convert(residual("int8", activation, True, norm, "float").model())
    assert conversion.report.converted == {"QConvFloatAdd": 1}
    check.assert_kernels_match_bodies(conversion.model, {"x": normal(3, 4, 9, 8)})


@pytest.mark.gpu
@pytest.mark.parametrize("tail", [pooled, max_pooled, is_output], ids=lambda tail: tail.__name__)
def test_result_in_float_on_gpu(tail: Tail) -> None:
    net = QdqNetwork()
    tail(net, net.conv(net.x(), bias="float"))
    conversion = converter.convert(net.model())
    assert conversion.report.converted["QConvToFloat"] == 1
    is_exact = tail is not pooled  # whose sum onnxruntime's CUDA provider has its own order for
    if is_exact:
        check.assert_same_on_gpu(conversion.model, [{"x": normal(3, 4, 9, 8)}])
