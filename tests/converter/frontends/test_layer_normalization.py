"""LayerNormalization between DequantizeLinear and QuantizeLinear."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest
from qdq_networks import QdqNetwork, assert_converts, normal, reasons

import check
from qudnn import converter
from session import open_session, outputs

DTYPES = pytest.mark.parametrize("dtype", ["uint8", "int8"])
WIDTHS = pytest.mark.parametrize("channels", [64, 21, 3])


def constants(net: QdqNetwork, channels: int, quantized: str | None) -> list[str]:
    """The names of scale and bias: in float, or as quantizers write them."""
    if quantized is None:
        scale, bias = net.rng.normal(1, 0.3, channels), net.rng.normal(0, 1, channels)
        return [net.constant("scale", scale, "float32"), net.constant("bias", bias, "float32")]
    axis = 0 if quantized == "per_channel" else None
    net.weights("scale", (channels,), axis, zero_point=-11)
    return ["scale", net.int32_bias("bias", "scale", channels)]


@DTYPES
@WIDTHS
@pytest.mark.parametrize("quantized", [None, "per_tensor", "per_channel"])
def test_it_becomes_one_op(dtype: str, channels: int, quantized: str | None) -> None:
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", 7, channels)), *constants(net, channels, quantized)]
    net.y(net.node("LayerNormalization", inputs, "l", axis=-1, epsilon=1e-12), 0.02, rank=3)
    assert_converts(net.model(), {"QLayerNormalization": 1}, (7, channels))


@pytest.mark.parametrize("shape", [("n", 32), ("n", "s", 32), ("n", 4, 5, 32)])
def test_any_rank(shape: tuple[int | str, ...]) -> None:
    net = QdqNetwork()
    inputs = [net.x(shape), *constants(net, 32, None)]
    net.y(net.node("LayerNormalization", inputs, "l", axis=len(shape) - 1), 0.02, rank=len(shape))
    sizes = [size if isinstance(size, int) else 6 for size in shape[1:]]
    assert_converts(net.model(), {"QLayerNormalization": 1}, sizes)


def test_bias_may_be_left_out() -> None:
    net = QdqNetwork()
    inputs = [net.x(("n", 7, 20)), constants(net, 20, None)[0]]
    net.y(net.node("LayerNormalization", inputs, "l"), 0.02, rank=3)
    assert_converts(net.model(), {"QLayerNormalization": 1}, (7, 20))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"axis": 1}, "its axis 1 is not the last one"),
        ({"stash_type": 16}, "it does not compute in float32"),
    ],
)
def test_others_stay(attributes: dict[str, Any], reason: str) -> None:
    net = QdqNetwork()
    shape = (7, 20) if "axis" in attributes else (20,)
    scale = net.constant("scale", np.ones(shape), "float32")
    net.y(net.node("LayerNormalization", [net.x(("n", 7, 20)), scale], "l", **attributes), 0.02, rank=3)
    assert reasons(net.model(), 7, 20) == {"l_node": reason}


def test_a_result_that_float_operators_read_stays() -> None:
    net = QdqNetwork()
    y = net.node("LayerNormalization", [net.x(("n", 7, 20)), *constants(net, 20, None)], "l")
    net.y(y, 0.02, rank=3)
    net.output(net.node("Neg", [y], "negative"), "float32", ["n", 7, 20])
    found = reasons(net.model(), 7, 20)
    assert found["l_node"] == "its result has consumers in floating point beside QuantizeLinear"


@DTYPES
@WIDTHS
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("rank", [2, 3])
def test_a_sum_that_is_not_quantized(dtype: str, channels: int, bias: bool, rank: int) -> None:
    """As NNCF and Quark leave it at the end of a block."""
    net = QdqNetwork(dtype)
    shape = ("n", 7, channels) if rank == 3 else ("n", channels)
    x, residual = net.x(shape), net.x(shape, "z")
    if bias:
        row = net.constant("row", net.rng.normal(0, 1, channels), "float32")
        x = net.node("Add", [row, x], "biased")
    total = net.node("Add", [residual, x], "a")
    net.y(net.node("LayerNormalization", [total, *constants(net, channels, None)], "l"), 0.02, rank=rank)
    report = assert_inside(net, {"AddLayerNormalizationToIsland": 1})
    assert bool(report.approximate) == (rank == 3)  # of which onnxruntime makes one operator


def test_a_sum_that_others_read() -> None:
    net = QdqNetwork()
    total = net.node("Add", [net.x(("n", 7, 20)), net.x(("n", 7, 20), "z")], "a")
    net.y(net.node("LayerNormalization", [total, *constants(net, 20, None)], "l"), 0.02, rank=3)
    net.output(net.node("Neg", [total], "n"), "float32", ["n", 7, 20])
    report = assert_inside(net, {"AddLayerNormalizationToIsland": 1})
    assert not report.approximate


def test_a_sum_that_is_broadcast_stays() -> None:
    net = QdqNetwork()
    total = net.node("Add", [net.x(("n", 7, 20)), net.x(("n", 1, 20), "z")], "a")
    net.y(net.node("LayerNormalization", [total, *constants(net, 20, None)], "l"), 0.02, rank=3)
    report = converter.convert(net.model()).report
    found = {node.name: node.reason for node in report.left}
    assert found["l_node"] == "its inputs are not known to have one shape"


def test_weights_of_four_bits() -> None:
    net = QdqNetwork()
    values = np.arange(20) % 16 - 8
    scale = onnx.helper.make_tensor("scale_4", onnx.TensorProto.INT4, [20], values)
    net.constants.append(scale)
    gamma = net.dequantize("scale_4", [net.constant("s", 0.13, "float32")], "gamma")
    net.y(net.node("LayerNormalization", [net.x(("n", 7, 20)), gamma], "l"), 0.02, rank=3)
    model = net.model(21)
    assert_converts(model, {"QLayerNormalization": 1}, (7, 20))


@DTYPES
@WIDTHS
def test_a_result_in_float32(dtype: str, channels: int) -> None:
    """As before SmoothQuant's factors, with a residual that is not quantized."""
    net = QdqNetwork(dtype)
    y = net.node("LayerNormalization", [net.x(("n", 7, channels)), *constants(net, channels, None)], "l")
    net.output(net.node("Neg", [y], "negative"), "float32", ["n", 7, channels])
    factor = net.constant("factor", net.rng.uniform(0.5, 2, channels), "float32")
    net.y(net.node("Mul", [y, factor], "scaled"), 0.02, rank=3)
    report = assert_inside(net, {"QLayerNormalizationToFloat": 1})
    assert not report.approximate


def first(net: QdqNetwork, x: str, axis: int = 1) -> str:
    return net.node("Gather", [x, net.constant("zero", 0, "int64")], "first", axis=axis)


@DTYPES
def test_the_first_token_alone_is_normalized(dtype: str) -> None:
    net = QdqNetwork(dtype)
    y = net.node("LayerNormalization", [net.x(("n", 7, 20)), *constants(net, 20, None)], "l")
    net.output(net.node("Neg", [first(net, y)], "negative"), "float32", ["n", 20])
    assert_inside(net, {"QLayerNormalizationToFloat": 1, "Gather": 1, "DequantizeFromIsland": 0})
    nodes = converter.convert(net.model()).model.graph.node
    (norm,) = (node for node in nodes if node.op_type == "QLayerNormalizationToFloat")
    (gather,) = (node for node in nodes if node.op_type == "Gather")
    assert gather.output[0] == norm.input[0]


@pytest.mark.parametrize("why", ["others read it", "it gathers channels"])
def test_a_gather_that_stays(why: str) -> None:
    net = QdqNetwork()
    y = net.node("LayerNormalization", [net.x(("n", 7, 20)), *constants(net, 20, None)], "l")
    axis = 2 if "channels" in why else 1
    shape: list[int | str] = ["n", 7] if axis == 2 else ["n", 20]
    net.output(net.node("Neg", [first(net, y, axis)], "negative"), "float32", shape)
    if axis == 1:
        net.output(y, "float32", ["n", 7, 20])
    assert_inside(net, {"QLayerNormalizationToFloat": 1, "Gather": 1})
    nodes = converter.convert(net.model()).model.graph.node
    (norm,) = (node for node in nodes if node.op_type == "QLayerNormalizationToFloat")
    (gather,) = (node for node in nodes if node.op_type == "Gather")
    assert norm.output[0] == gather.input[0]


def assert_inside(net: QdqNetwork, ops: dict[str, int]) -> converter.Report:
    """These ops are in the converted model, with the bits of the original."""
    model = net.model()
    conversion = converter.convert(model)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert {op: found[op] for op in ops} == ops, str(conversion.report)
    assert not [left for left in conversion.report.left if left.quantized]
    feed = {
        value.name: normal(2, *[d.dim_value for d in value.type.tensor_type.shape.dim][1:])
        for value in model.graph.input
    }
    check.assert_equivalent(model, conversion.model, [feed])
    return conversion.report


MEAN = "QLayerNormalizationGlobalAveragePool"


def normalized(net: QdqNetwork, shape: tuple[int | str, ...]) -> str:
    inputs = [net.x(shape), *constants(net, int(shape[-1]), None)]
    return net.node("LayerNormalization", inputs, "l", axis=-1)


@DTYPES
@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("shape", [(50, 32), (7, 5, 21), ("s", 20)], ids=str)
def test_mean_of_tokens(shape: tuple[int | str, ...], keepdims: int, dtype: str) -> None:
    """onnxruntime adds them up in another order, which the report says."""
    net = QdqNetwork(dtype)
    y = normalized(net, ("n", *shape))
    axes = [*range(1, len(shape))]
    y = net.node("ReduceMean", [y], "m", axes=axes, keepdims=keepdims)
    net.y(y, 0.007, rank=1 + len(shape) if keepdims else 2)
    views = {} if keepdims else {"Flatten": 1}
    sizes = [size if isinstance(size, int) else 6 for size in shape]
    report = assert_converts(net.model(), {MEAN: 1, **views}, sizes, exact=False, scale=0.007)
    assert [entry.op_type for entry in report.approximate] == ["LayerNormalization"]


@pytest.mark.parametrize("view", ["Flatten", "Reshape", None])
@pytest.mark.parametrize("op_type", ["GlobalAveragePool", "ReduceMean"])
def test_mean_of_an_image(op_type: str, view: str | None) -> None:
    """As in Swin: with onnxruntime's bits if it is a GlobalAveragePool."""
    net = QdqNetwork()
    y = net.node("Transpose", [normalized(net, ("n", 7, 5, 20))], "t", perm=[0, 3, 1, 2])
    axes: dict[str, Any] = {"axes": [2, 3]} if op_type == "ReduceMean" else {}
    y = net.node(op_type, [y], "m", **axes)
    if view is not None:
        target = [net.constant("target", [0, -1], "int64")] if view == "Reshape" else []
        y = net.node(view, [y, *target], "v")
    y = net.pair(y, "mean_q", 0.007, 131)
    if view is not None:
        net.y(net.node("MatMul", [y, net.weights("w", (20, 12), 1)], "p"), 0.05, rank=2)
    else:
        net.y(net.node("Conv", [y, net.weights("w", (12, 20, 1, 1), 0)], "p"), 0.05)
    conversion = converter.convert(net.model())
    report, pools = conversion.report, op_type == "GlobalAveragePool"
    assert not report.left and report.islands == 1 and report.converted[MEAN] == 1, str(report)
    assert [entry.op_type for entry in report.approximate] == ([] if pools else ["LayerNormalization"])
    feed = {"x": normal(2, 7, 5, 20)}
    if pools:
        check.assert_equivalent(net.model(), conversion.model, [feed])
    else:
        got, want = (outputs(open_session(m), feed)["p_out"] for m in (conversion.model, net.model()))
        assert np.abs(got - want).max() <= 0.0501 * 3
        assert np.unique(want).size > 10


def test_a_mean_that_others_read() -> None:
    """The normalization alone leaves the island then."""
    net = QdqNetwork()
    mean = net.node("ReduceMean", [normalized(net, ("n", 50, 20))], "m", axes=[1], keepdims=0)
    net.y(mean, 0.007, rank=2)
    net.output(net.node("Neg", [mean], "negative"), "float32", ["n", 20])
    report = converter.convert(net.model()).report
    assert report.converted == {"QLayerNormalizationToFloat": 1}
    check.assert_equivalent(net.model(), converter.convert(net.model()).model, [{"x": normal(2, 50, 20)}])


@pytest.mark.parametrize("axes", [[2], [0], [1, 2]])
def test_a_mean_over_other_axes(axes: list[int]) -> None:
    net = QdqNetwork()
    net.y(net.node("ReduceMean", [normalized(net, ("n", 7, 20))], "m", axes=axes), 0.007, rank=3)
    conversion = converter.convert(net.model())
    assert conversion.report.converted == {"QLayerNormalizationToFloat": 1}
    check.assert_equivalent(net.model(), conversion.model, [{"x": normal(2, 7, 20)}])
