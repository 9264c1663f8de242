"""Pools of float32 results of convolutions, as NNCF and Brevitas leave them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from qdq_networks import QdqNetwork, normal

import check
from cases.builder import GraphBuilder
from qudnn import converter
from session import open_session, outputs
from zoo.quantize import quantize_dynamically

Chain = Callable[[GraphBuilder, str], str]
ACTIVATIONS: dict[str, Any] = {"none": None, "Relu": (0.0, np.inf), "Clip": (-0.25, 1.5), "silu": "silu"}
QUANTUM = 0.03


def activated(net: QdqNetwork, x: str, kind: str) -> str:
    if kind == "silu":
        return net.node("Mul", [x, net.node("Sigmoid", [x], "gate")], "silu")
    if kind == "Clip":
        low, high = ACTIVATIONS[kind]
        bounds = [net.constant(name, value, "float32") for name, value in (("low", low), ("high", high))]
        return net.node("Clip", [x, *bounds], "clipped")
    return net.node(kind, [x], "activated") if kind != "none" else x


def end(net: QdqNetwork, x: str) -> None:
    inner = net.pair(x, "end_q", 0.02, 31)
    net.y(net.node("Conv", [inner, net.weights("last", (20, 6, 1, 1), 0)], "last_c"), QUANTUM)


def converted(net: QdqNetwork, quantum: float) -> tuple[Counter[str], onnx.ModelProto, converter.Report]:
    """The operators of the converted model, whose results are within a quantum of the original's."""
    model = net.model()
    conversion = converter.convert(model)
    feed = {"x": normal(2, 4, 9, 8)}
    got, want = (outputs(open_session(m), feed) for m in (conversion.model, model))
    for name, value in want.items():
        assert np.abs(got[name] - value).max() <= quantum * 1.001
        assert np.unique(value).size > 5
    assert not [left for left in conversion.report.left if left.quantized], str(conversion.report)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    return found, conversion.model, conversion.report


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "ReduceMean", "ReduceMean without axes kept"])
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_mean(kind: str, op_type: str, view: bool) -> None:
    net = QdqNetwork()
    x = activated(net, net.conv(net.x()), kind)
    attributes: dict[str, Any] = {} if op_type == "GlobalAveragePool" else {"axes": [2, 3]}
    if "without" in op_type:
        attributes["keepdims"] = 0
    mean = net.node(op_type.split()[0], [x], "mean", **attributes)
    squeezed = "without" in op_type
    mean = net.node("Flatten", [mean], "flat") if view and not squeezed else mean
    inner = net.pair(mean, "mean_q", 0.0117, 61)
    if view or squeezed:
        net.y(net.node("MatMul", [inner, net.weights("last", (6, 24), 1)], "product"), QUANTUM, rank=2)
    else:
        net.y(net.node("Conv", [inner, net.weights("last", (20, 6, 1, 1), 0)], "last_c"), QUANTUM)
    found, _, report = converted(net, QUANTUM)
    assert found["FloatGlobalAveragePool"] == found["QConvToFloat"] == 1
    assert not found[op_type.split()[0]] and not found["Sigmoid"] and not found["Clip"]
    assert (report.islands, report.entries) == (1, 1), str(report)
    assert "Transpose" not in found
    noted = Counter(entry.op_type for entry in report.approximate)
    assert noted["FloatGlobalAveragePool"] == (op_type != "GlobalAveragePool")


@pytest.mark.parametrize("kind", ["none", "Relu", "Clip"])
def test_the_maximum(kind: str) -> None:
    """Quantized, and added to a convolution's result in float32: a residual block."""
    net = QdqNetwork()
    x = activated(net, net.conv(net.x()), kind)
    pooled = net.node("MaxPool", [x], "pooled", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inner = net.node(
        "Conv", [net.pair(pooled, "pooled_q", 0.02, 61), net.weights("w", (6, 6, 1, 1), 0)], "c1"
    )
    total = net.node("Relu", [net.node("Add", [pooled, inner], "added")], "relu")
    net.y(
        net.node("Conv", [net.pair(total, "t_q", 0.02, 3), net.weights("last", (20, 6, 1, 1), 0)], "c2"),
        QUANTUM,
    )
    found, model, _ = converted(net, QUANTUM)
    assert found["FloatMaxPool"] == found["AddToIsland"] == 1
    assert not found["MaxPool"] and not found["Transpose"]
    (pool,) = (node for node in model.graph.node if node.op_type == "FloatMaxPool")
    readers = Counter(node.op_type for node in model.graph.node if pool.output[0] in node.input)
    assert readers == {"QuantizeToIsland": 1, "AddToIsland": 1}


@pytest.mark.parametrize("with_pads", [0, 1])
@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_the_mean_of_windows(kind: str, with_pads: int) -> None:
    net = QdqNetwork()
    window: dict[str, Any] = {
        "kernel_shape": [3, 3],
        "strides": [2, 2],
        "pads": [1, 1, 1, 1],
        "count_include_pad": with_pads,
    }
    end(net, net.node("AveragePool", [activated(net, net.conv(net.x()), kind)], "pooled", **window))
    found, _, report = converted(net, QUANTUM)
    assert found["FloatAveragePool"] == found["QConvToFloat"] == 1
    assert not {"AveragePool", "Transpose", "Relu", "Clip", "Sigmoid"} & set(found)
    assert "FloatAveragePool" in [entry.op_type for entry in report.approximate]


def test_partial_windows_that_count_padding_stay() -> None:
    net = QdqNetwork()
    window: dict[str, Any] = {
        "kernel_shape": [3, 3],
        "strides": [2, 2],
        "ceil_mode": 1,
        "count_include_pad": 1,
    }
    end(net, net.node("AveragePool", [net.conv(net.x())], "pooled", **window))
    conversion = converter.convert(net.model())
    reasons = {left.op_type: left.reason for left in conversion.report.left}
    assert reasons["AveragePool"] == "it counts padding, and its last windows may be partial"


def test_an_activation_that_others_read_is_computed_for_both() -> None:
    """Squeeze-and-excite of a clipped image."""
    net = QdqNetwork()
    x = activated(net, net.conv(net.x()), "Clip")
    mean = net.node("GlobalAveragePool", [x], "mean")
    gated = net.node("Mul", [x, net.node("Sigmoid", [mean], "s")], "gated")
    net.y(
        net.node("Conv", [net.pair(gated, "g_q", 0.012, 61), net.weights("last", (20, 6, 1, 1), 0)], "c2"),
        QUANTUM,
    )
    found, _, _ = converted(net, QUANTUM)
    assert found["FloatGlobalAveragePool"] == found["MulToIsland"] == 1
    assert not found["Clip"] and not found["GlobalAveragePool"]


@pytest.mark.parametrize("axes", [[1, 2, 3], [3]])
def test_other_axes_stay(axes: list[int]) -> None:
    net = QdqNetwork()
    mean = net.node("ReduceMean", [net.conv(net.x())], "mean", axes=axes)
    net.output(mean, "float32", [f"d{axis}" for axis in range(4)])
    conversion = converter.convert(net.model())
    assert "ReduceMean" in [node.op_type for node in conversion.model.graph.node]


def test_a_mean_of_float_stays() -> None:
    """Nothing of qudnn is near."""
    net = QdqNetwork()
    x = net.node("Neg", [net.input("z", "float32", ("n", 4, 9, 8))], "n")
    net.output(net.node("GlobalAveragePool", [x], "mean"), "float32", ["n", 4, 1, 1])
    net.y(net.conv(net.x()))
    conversion = converter.convert(net.model())
    assert "GlobalAveragePool" in [node.op_type for node in conversion.model.graph.node]


def test_the_mean_of_a_normalization() -> None:
    """What it reads is channels-last already."""
    net = QdqNetwork()
    x = net.x(("n", 9, 8, 4))
    x = net.pair(net.node("MatMul", [x, net.weights("first", (4, 20), 1)], "m"), "m_q", 0.09, 131)
    numbers = [net.constant(name, net.rng.normal(0, 1, 20), "float32") for name in ("gamma", "beta")]
    x = net.node("LayerNormalization", [x, *numbers], "norm", axis=-1)
    x = net.node("GlobalAveragePool", [net.node("Transpose", [x], "t", perm=[0, 3, 1, 2])], "mean")
    net.output(net.node("Flatten", [x], "flat"), "float32", ["n", 20])
    model = net.model()
    conversion = converter.convert(model)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert found["FloatGlobalAveragePool"] == found["QLayerNormalizationToFloat"] == 1
    assert not found["GlobalAveragePool"] and not found["LayerNormalization"]
    check.assert_equivalent(model, conversion.model, [{"x": normal(n, 9, 8, 4)} for n in (2, 1)])
    assert conversion.report.islands == 1, str(conversion.report)


def dynamic(*after: Chain) -> onnx.ModelProto:
    """x -> a convolution -> the first chain -> a convolution -> the second one."""
    g, rng = GraphBuilder(), np.random.default_rng(0)
    y = g.input("x", "float32", ["n", 3, 9, 8])
    for number, chain in enumerate(after):
        shape = (20, 20 if number else 3, 3, 3)
        w = g.constant(f"w{number}", rng.standard_normal(shape).astype(np.float32))
        y = chain(g, g.node("Conv", [y, w], f"c{number}", pads=[1, 1, 1, 1]))
    g.output(y, "float32", [f"y{axis}" for axis in range(4)])
    return quantize_dynamically(g.model(17), op_types=["Conv"])


def largest(g: GraphBuilder, y: str) -> str:
    return g.node("MaxPool", [g.node("Relu", [y], "relu")], "largest", kernel_shape=[2, 2])


def mean(g: GraphBuilder, y: str) -> str:
    return g.node("GlobalAveragePool", [g.node("Mul", [y, g.node("Sigmoid", [y], "s")], "silu")], "mean")


def test_of_dynamic_convolutions() -> None:
    """With all bits."""
    model = dynamic(largest, mean)
    conversion = converter.convert(model)
    found = conversion.report.converted
    assert found["DynamicQConv"] == found["DynamicQuantizeToIsland"] == 2
    assert found["FloatMaxPool"] == found["FloatGlobalAveragePool"] == 1
    assert not conversion.report.approximate
    operators = {node.op_type for node in conversion.model.graph.node}
    assert not operators & {"Relu", "Sigmoid", "Mul", "MaxPool", "GlobalAveragePool", "Transpose"}
    assert conversion.report.islands == 1, str(conversion.report)
    check.assert_equivalent(model, conversion.model, [{"x": normal(n, 3, 9, 8)} for n in (2, 1)])


@pytest.mark.parametrize("op_type", ["AveragePool", "ReduceMean"])
def test_other_means_of_dynamic_convolutions_stay(op_type: str) -> None:
    attributes: dict[str, Any] = {"kernel_shape": [2, 2]} if op_type == "AveragePool" else {"axes": [2, 3]}
    model = dynamic(lambda g, y: g.node(op_type, [y], "mean", **attributes))
    conversion = converter.convert(model)
    reasons = {left.op_type: left.reason for left in conversion.report.left}
    assert "another order" in reasons[op_type] and not conversion.report.approximate
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 3, 9, 8)}])
