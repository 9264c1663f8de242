"""Elementwise operators -> mean over all pixels -> another shape -> QuantizeLinear: one op, with all bits."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qdq_networks import QdqNetwork, assert_converts, normal, reasons

import check
from qudnn import converter
from session import open_session, outputs

OP = "QTableGlobalAveragePool"
Chain = Callable[[QdqNetwork, str], str]


def silu(net: QdqNetwork, x: str) -> str:
    return net.node("Mul", [x, net.node("Sigmoid", [x], "gate")], "silu")


def clip(net: QdqNetwork, x: str) -> str:
    bounds = [net.constant(name, value, "float32") for name, value in (("low", 0), ("high", 1.7))]
    return net.node("Clip", [x, *bounds], "clipped")


def channels(net: QdqNetwork, x: str) -> str:
    """Another function of each channel."""
    bias = net.constant("bias", net.rng.normal(size=(6, 1, 1)), "float32")
    return net.node("Tanh", [net.node("Add", [x, bias], "added")], "tanh")


CHAINS: dict[str, Chain] = {"silu": silu, "clip": clip, "of channels": channels, "nothing": lambda net, x: x}
VIEWS = ("Flatten", "Reshape", "Squeeze")


def view(net: QdqNetwork, op_type: str, x: str) -> str:
    numbers = {"Reshape": [0, -1], "Squeeze": [2, 3]}.get(op_type)
    more = [] if numbers is None else [net.constant("numbers", numbers, "int64")]
    return net.node(op_type, [x, *more], "viewed")


def with_matmul(net: QdqNetwork, x: str, scale: float = 0.0117) -> None:
    inner = net.pair(x, "mean_q", scale, 61)
    net.y(net.node("MatMul", [inner, net.weights("last", (6, 3), 1)], "product"), rank=2)


@pytest.mark.parametrize("op_type", VIEWS)
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_with_another_shape(chain: Chain, op_type: str) -> None:
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.0237, 107)
    with_matmul(net, view(net, op_type, net.node("GlobalAveragePool", [chain(net, x)], "mean")))
    # onnxruntime lets the QuantizeLinear pass the other two, and has an integer mean then.
    is_integer = chain is CHAINS["nothing"] and op_type != "Flatten"
    op = "QGlobalAveragePool" if is_integer else OP
    assert_converts(net.model(), {"QConv": 1, op: 1, "Flatten": 1, "QMatMul": 1})


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("chain", [silu, clip, channels])
def test_before_a_convolution(chain: Chain, dtype: str) -> None:
    net = QdqNetwork(dtype)
    x = net.pair(net.conv(net.x(), "c0"), "c_q", 0.0237, 107)
    mean = net.pair(net.node("GlobalAveragePool", [chain(net, x)], "mean"), "mean_q", 0.0117, 61)
    net.y(net.node("Conv", [mean, net.weights("last", (5, 6, 1, 1), 0)], "last_c"))
    # An int8 tensor with two consumers stays int8: onnxruntime computes the convolution in float32.
    is_exact = dtype == "uint8" or chain is not silu
    report = assert_converts(net.model(), {"QConv": 2, OP: 1}, exact=is_exact)
    assert all(entry.op_type == "Conv" for entry in report.approximate), str(report)


def test_of_rows() -> None:
    net = QdqNetwork()
    x = net.pair(
        net.node("Conv", [net.x(("n", 4, 50)), net.weights("w", (6, 4, 3), 0)], "c"), "c_q", 0.02, 107
    )
    with_matmul(
        net, net.node("Flatten", [net.node("GlobalAveragePool", [silu(net, x)], "mean")], "flat"), 0.003
    )
    ops = {"QConv": 1, OP: 1, "Unsqueeze": 1, "Squeeze": 1, "Flatten": 1, "QMatMul": 1}
    assert_converts(net.model(), ops, (4, 50))


@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce_mean(keepdims: int) -> None:
    """onnxruntime adds up in another order there, which the report says."""
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.0237, 107)
    mean = net.node("ReduceMean", [silu(net, x)], "mean", axes=[2, 3], keepdims=keepdims)
    with_matmul(net, net.node("Flatten", [mean], "flat") if keepdims else mean)
    ops = {"QConv": 1, OP: 1, "Flatten": 1, "QMatMul": 1}
    report = assert_converts(net.model(), ops, exact=False)
    assert [entry.op_type for entry in report.approximate] == ["ReduceMean"]


def test_function_that_others_read() -> None:
    """As in squeeze-and-excite: the image times a function of its own mean."""
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.0237, 107)
    clipped = clip(net, x)
    mean = net.pair(net.node("GlobalAveragePool", [clipped], "mean"), "mean_q", 0.0117, 61)
    gate = net.node("Conv", [mean, net.weights("gate_w", (6, 6, 1, 1), 0)], "gate_c")
    gate = net.pair(gate, "gate_q", 0.0117, 131)
    gated = net.node("Mul", [clipped, net.node("Sigmoid", [gate], "gate_s")], "gated")
    net.y(
        net.node("Conv", [net.pair(gated, "gated_q", 0.0117, 61), net.weights("w", (5, 6, 1, 1), 0)], "end")
    )
    assert_converts(net.model(), {"QConv": 3, OP: 1, "QTableMul": 1})


def test_of_two_tensors() -> None:
    net = QdqNetwork()
    both = net.node("Mul", [net.x(), net.x(name="z")], "both")
    net.y(net.node("GlobalAveragePool", [net.node("Tanh", [both], "tanh")], "mean"))
    assert reasons(net.model())["mean_node"] == "it is a mean of several quantized tensors"


def test_of_float() -> None:
    net = QdqNetwork()
    net.y(
        net.node(
            "GlobalAveragePool", [net.node("Tanh", [net.input("x", "float32", ("n", 4, 9, 8))], "t")], "mean"
        )
    )
    assert "floating point" in reasons(net.model())["mean_node"]


def squeezed(net: QdqNetwork, mean: str) -> str:
    """Two convolutions whose weights are not quantized, as NNCF leaves them."""
    for name, shape in ("squeeze", (3, 6, 1, 1)), ("excite", (6, 3, 1, 1)):
        w, b = (net.rng.normal(0, 1, size) for size in (shape, shape[:1]))
        constants = [net.constant(f"{name}_{what}", array, "float32") for what, array in (("w", w), ("b", b))]
        mean = net.node("Conv", [mean, *constants], name)
        mean = net.node("Relu", [mean], "relu") if name == "squeeze" else mean
    return mean


@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "ReduceMean"])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS.keys())
def test_before_float_convolutions(chain: Chain, op_type: str) -> None:
    net = QdqNetwork()
    x = net.pair(net.conv(net.x(), "c0"), "c_q", 0.0237, 107)
    axes: dict[str, Any] = {"axes": [2, 3]} if op_type == "ReduceMean" else {}
    mean = net.node(op_type, [chain(net, x)], "mean", **axes)
    gate = net.pair(net.node("Sigmoid", [squeezed(net, mean)], "excited"), "gate_q", 0.004, 3)
    gated = net.pair(net.node("Mul", [x, gate], "gated"), "gated_q", 0.0117, 61)
    net.y(net.node("Conv", [gated, net.weights("w", (5, 6, 1, 1), 0)], "end"))
    conversion = converter.convert(net.model())
    ops = Counter(node.op_type for node in conversion.model.graph.node)
    assert ops[f"{OP}ToFloat"] == 1 and not ops[op_type] and not ops["DequantizeFromIsland"] - 1
    notes = [entry.op_type for entry in conversion.report.approximate]
    assert notes == [*([op_type] if op_type == "ReduceMean" else []), *["FloatPointwise"] * 2]
    if op_type != "ReduceMean":
        check.assert_equivalent(net.model(), conversion.model, [{"x": normal(2, 4, 9, 8)}])


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("view", [False, True])
def test_a_mean_that_is_a_result(view: bool, keepdims: int) -> None:
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.0237, 107)
    if keepdims:
        mean = net.node("GlobalAveragePool", [silu(net, x)], "mean")
    else:
        mean = net.node("ReduceMean", [silu(net, x)], "mean", axes=[2, 3], keepdims=0)
    mean = net.node("Flatten", [mean], "flat") if view else mean
    rank = 4 if keepdims and not view else 2
    net.output(mean, "float32", [f"d{axis}" for axis in range(rank)])
    conversion = converter.convert(net.model())
    ops = Counter(node.op_type for node in conversion.model.graph.node)
    assert ops[f"{OP}ToFloat"] == ops["QConv"] == 1 and not ops["DequantizeFromIsland"]
    sessions = [open_session(model) for model in (net.model(), conversion.model)]
    want, got = (outputs(session, {"x": normal(2, 4, 9, 8)})[mean] for session in sessions)
    assert want.shape == got.shape
    np.testing.assert_array_max_ulp(want, got, 0 if keepdims else 8)


def normalization(net: QdqNetwork, x: str, channels: int) -> str:
    numbers = [net.rng.uniform(0.5, 2, channels), *net.rng.normal(0, 0.3, (2, channels))]
    numbers.append(net.rng.uniform(0.5, 2, channels))
    constants = [net.constant(f"bn_{index}", array, "float32") for index, array in enumerate(numbers)]
    return net.node("BatchNormalization", [x, *constants], "normalized")


@pytest.mark.parametrize("chain", [silu, CHAINS["nothing"]])
@pytest.mark.parametrize("view", [None, "Flatten"])
@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "ReduceMean"])
def test_before_a_normalization(op_type: str, view: str | None, chain: Chain) -> None:
    """As classifiers begin: the normalization goes into the table."""
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.0237, 107)
    axes: dict[str, Any] = {"axes": [2, 3], "keepdims": int(bool(view))} if op_type == "ReduceMean" else {}
    mean = net.node(op_type, [chain(net, x)], "mean", **axes)
    y = normalization(net, net.node(view, [mean], "viewed") if view else mean, 6)
    rank = 4 if op_type == "GlobalAveragePool" and not view else 2
    net.y(y, 0.0117, 61, rank)
    views = {"Flatten": 1} if rank == 2 else {}
    report = assert_converts(net.model(), {"QConv": 1, OP: 1, **views}, exact=False, scale=0.0117)
    assert [entry.op_type for entry in report.approximate] == [op_type]


def test_rows_before_a_normalization() -> None:
    """Tokens, as in LeViT."""
    net = QdqNetwork()
    x = net.node("MatMul", [net.x(("n", 50, 8)), net.weights("w", (8, 20), 1)], "product")
    x = net.pair(x, "p_q", 0.0237, 107)
    mean = net.node("ReduceMean", [x], "mean", axes=[1], keepdims=0)
    net.y(normalization(net, mean, 20), 0.0117, 61, rank=2)
    ops = {"QMatMul": 1, OP: 1, "Unsqueeze": 1, "Squeeze": 1, "Flatten": 1}
    assert_converts(net.model(), ops, (50, 8), exact=False, scale=0.0117)


def test_normalization_along_another_axis() -> None:
    net = QdqNetwork()
    mean = net.node("ReduceMean", [net.x(("n", 50, 8))], "mean", axes=[1], keepdims=1)
    net.y(normalization(net, mean, 1), 0.0117, 61, rank=3)
    reason = "its mean is normalized along another axis than that of the channels"
    assert reasons(net.model(), 50, 8)["mean_node"] == reason
