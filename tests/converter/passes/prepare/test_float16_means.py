"""Means of a quantized image that stay in float16: they leave the island after the mean, rounded once."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from half_networks import HALF, HalfNetwork
from onnx import TensorProto

import check
from cases.builder import Array
from oracles import ORACLES
from qudnn import converter
from session import open_session, outputs

OP = "QTableGlobalAveragePoolToFloat"
SCALE = 0.0347
QUANTUM = 0.0625
Chain = Callable[[HalfNetwork, str], str]


def relu(net: HalfNetwork, x: str) -> str:
    return net.node("Relu", [x], "relu")


def silu(net: HalfNetwork, x: str) -> str:
    return net.node("Mul", [x, net.node("Sigmoid", [x], "gate")], "silu")


def channels(net: HalfNetwork, x: str) -> str:
    """Another function of each channel."""
    bias = net.constant(net.rng.normal(size=(4, 1, 1)).astype(HALF))
    return net.node("Tanh", [net.node("Add", [x, bias], "added")], "tanh")


CHAINS: dict[str, Chain] = {
    "nothing": lambda net, x: x,
    "relu": relu,
    "silu": silu,
    "of channels": channels,
}


def image(net: HalfNetwork) -> str:
    """Inside an island, with all bits of onnxruntime's."""
    x = net.pair("x", SCALE)
    return net.pair(net.node("MaxPool", [x], "p", kernel_shape=[3, 3], pads=[1, 1, 1, 1]), SCALE)


def mean(net: HalfNetwork, op_type: str, x: str, y: str, keepdims: int = 1) -> str:
    if op_type == "GlobalAveragePool":
        return net.node(op_type, [x], y)
    axes = net.constant(np.array([2, 3], np.int64))
    return net.node(op_type, [x, axes], y, keepdims=keepdims)


def normal(*shape: int) -> Array:
    return np.random.default_rng(1).normal(0, 1.5, shape).astype(HALF)


def both(model: onnx.ModelProto, conversion: converter.Conversion, x: Array) -> tuple[Array, Array]:
    """What the original and the converted model give."""
    want, got = (outputs(open_session(m), {"x": x})["y"] for m in (model, conversion.model))
    assert (got.dtype, got.shape) == (HALF, want.shape)
    return want, got


def ops_of(conversion: converter.Conversion) -> Counter[str]:
    return Counter(node.op_type for node in conversion.model.graph.node)


def steps_between(a: Array, b: Array) -> int:
    return int(np.abs(a.view(np.int16).astype(int) - b.view(np.int16).astype(int)).max())


@pytest.mark.parametrize("view", [None, "Flatten"])
@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "ReduceMean"])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_a_mean_that_is_a_result(chain: Chain, op_type: str, view: str | None) -> None:
    net = HalfNetwork()
    y = mean(net, op_type, chain(net, image(net)), "mean" if view else "y")
    if view:
        net.node(view, [y], "y")
    model = net.model(rank=2 if view else 4)
    conversion = converter.convert(model)
    found = ops_of(conversion)
    assert found[OP] == found["QMaxPool"] == 1
    assert not {"DequantizeFromIsland", op_type, "Sigmoid", "Relu", "Tanh"} & set(found)
    is_exact = op_type == "GlobalAveragePool"
    assert [entry.op_type for entry in conversion.report.approximate] == [op_type] * (not is_exact)
    for batch in (3, 1):
        want, got = both(model, conversion, normal(batch, 4, 8, 8))
        assert np.unique(want).size > want.size // 2
        assert steps_between(want, got) <= (0 if is_exact else 1)


def test_only_the_mean_is_rounded() -> None:
    """onnxruntime's CPU provider reads DequantizeLinear's products unrounded."""
    net = HalfNetwork()
    mean(net, "GlobalAveragePool", image(net), "y")
    model = net.model()
    conversion = converter.convert(model)
    assert ops_of(conversion)[OP] == 1
    x = normal(2, 4, 8, 8)
    scale = np.float32(HALF(SCALE))
    q = np.rint(np.clip(x.astype(np.float32) / scale, -128, 127)).astype(np.int8)
    around = np.pad(q, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-128)
    pooled = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(2, 3)).max(axis=(4, 5))
    table = np.arange(-128, 128).astype(np.float32) * scale
    expected = ORACLES[OP](np.moveaxis(pooled, 1, -1), table).astype(HALF)
    for values in both(model, conversion, x):
        np.testing.assert_array_equal(values, np.moveaxis(expected, -1, 1))


def test_without_its_axes() -> None:
    net = HalfNetwork()
    mean(net, "ReduceMean", image(net), "y", keepdims=0)
    model = net.model(rank=2)
    conversion = converter.convert(model)
    assert ops_of(conversion)[OP] == 1
    want, got = both(model, conversion, normal(2, 4, 8, 8))
    assert steps_between(want, got) <= 1


def with_gemm(net: HalfNetwork, x: str) -> None:
    net.node("Gemm", [x, net.constant(net.rng.normal(0, 0.5, (4, 5)).astype(HALF))], "y")


def with_conv(net: HalfNetwork, x: str) -> None:
    net.node("Conv", [x, net.constant(net.rng.normal(0, 0.5, (5, 4, 1, 1)).astype(HALF))], "y")


@pytest.mark.parametrize("chain", [CHAINS["nothing"], silu])
@pytest.mark.parametrize("view", ["Flatten", "Squeeze", None])
def test_before_operators_in_float16(view: str | None, chain: Chain) -> None:
    """Which onnxruntime's CPU provider gives the mean before it is rounded."""
    net = HalfNetwork()
    y = mean(net, "GlobalAveragePool", chain(net, image(net)), "mean")
    if view:
        axes = [net.constant(np.array([2, 3], np.int64))] if view == "Squeeze" else []
        with_gemm(net, net.node(view, [y, *axes], "viewed"))
    else:
        with_conv(net, y)
    model = net.model(rank=2 if view else 4)
    conversion = converter.convert(model)
    found = ops_of(conversion)
    assert found[OP] == found["Gemm" if view else "Conv"] == 1 and not found["DequantizeFromIsland"]
    assert found["Cast"] == 2  # of x, and of the mean
    assert not conversion.report.approximate
    assert check.types_of(conversion.model)["viewed" if view else "mean"] == TensorProto.FLOAT16
    want, got = both(model, conversion, normal(3, 4, 8, 8))
    assert steps_between(want, got) == 0


def test_a_mean_read_elementwise() -> None:
    net = HalfNetwork()
    net.node("Tanh", [mean(net, "GlobalAveragePool", silu(net, image(net)), "mean")], "y")
    model = net.model()
    conversion = converter.convert(model)
    assert ops_of(conversion)[OP] == 1 and not conversion.report.approximate
    want, got = both(model, conversion, normal(3, 4, 8, 8))
    assert steps_between(want, got) == 0


def test_a_mean_that_is_moved() -> None:
    """It is rounded where the model has a Cast before the move: the report says so."""
    net = HalfNetwork()
    y = mean(net, "GlobalAveragePool", image(net), "mean")
    with_conv(net, net.node("Concat", [y], "joined", axis=1))
    model = net.model()
    conversion = converter.convert(model)
    assert ops_of(conversion)[OP] == 1
    (note,) = conversion.report.approximate
    assert (note.name, "last bits" in note.reason) == ("mean_node", True)
    want, got = both(model, conversion, normal(3, 4, 8, 8))
    np.testing.assert_allclose(got, want, rtol=0, atol=2.0**-10 * np.abs(want).max())


def test_what_the_mean_reads_is_quantized_too() -> None:
    """The gate of a block, whose convolution is not quantized."""
    net = HalfNetwork()
    x = silu(net, image(net))
    w = net.constant(net.rng.normal(0, 0.5, (4, 4, 1, 1)).astype(HALF))
    gate = net.node("Conv", [mean(net, "GlobalAveragePool", x, "mean"), w], "excite")
    gated = net.node("Mul", [net.pair(x, SCALE), net.pair(gate, SCALE)], "gated")
    net.pair(gated, QUANTUM, "y")
    model = net.model()
    conversion = converter.convert(model)
    assert ops_of(conversion)[OP] == 1
    want, got = both(model, conversion, normal(3, 4, 8, 8))
    assert np.abs(want.astype(float) - got.astype(float)).max() <= QUANTUM * 1.001
    assert np.unique(want).size > 10


def test_of_an_input_in_8_bits() -> None:
    """onnxruntime computes its DequantizeLinear in float16, which rounds."""
    net = HalfNetwork()
    parameters = [net.constant(np.array(SCALE, HALF)), net.constant(np.array(0, np.int8))]
    mean(net, "GlobalAveragePool", net.node("DequantizeLinear", ["x", *parameters], "x_dq"), "y")
    model = net.model(dtype=TensorProto.INT8)
    conversion = converter.convert(model)
    assert ops_of(conversion)[OP] == 1
    (note,) = conversion.report.approximate
    assert (note.name, "last bits" in note.reason) == ("y_node", True)
    x = np.random.default_rng(1).integers(-128, 128, (40, 4, 8, 8)).astype(np.int8)
    want, got = both(model, conversion, x)
    assert 0 < np.abs(want.astype(float) - got.astype(float)).max() <= 2.0**-10 * np.abs(want).max()


def stays(net: HalfNetwork, model: onnx.ModelProto, op_type: str) -> None:
    """The mean stays in float16, with all bits."""
    conversion = converter.convert(model)
    assert ops_of(conversion)[op_type] == 1 and not ops_of(conversion)[OP]
    assert check.types_of(conversion.model)["y"] == TensorProto.FLOAT16
    want, got = both(model, conversion, normal(2, 4, 8, 8))
    assert steps_between(want, got) == 0


def test_a_mean_along_the_last_axis_stays() -> None:
    """As a normalization has it that the model computes step by step."""
    net = HalfNetwork()
    net.node("ReduceMean", [image(net), net.constant(np.array([-1], np.int64))], "y")
    stays(net, net.model(), "ReduceMean")


def test_a_mean_of_what_is_not_quantized_stays() -> None:
    net = HalfNetwork()
    image(net)
    net.node("GlobalAveragePool", [net.node("Tanh", ["x"], "tanh")], "y")
    stays(net, net.model(), "GlobalAveragePool")


def test_a_mean_of_two_tensors_stays() -> None:
    net = HalfNetwork()
    two = [net.pair(net.node(op, ["x"], op), SCALE) for op in ("Tanh", "Sigmoid")]
    mean(net, "GlobalAveragePool", net.node("Add", two, "sum"), "y")
    stays(net, net.model(), "GlobalAveragePool")


@pytest.mark.gpu
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_on_gpu(chain: Chain) -> None:
    net = HalfNetwork()
    mean(net, "GlobalAveragePool", chain(net, image(net)), "y")
    conversion = converter.convert(net.model())
    assert ops_of(conversion)[OP] == 1
    check.assert_same_on_gpu(conversion.model, [{"x": normal(3, 4, 8, 8)}])
