"""Residual blocks as quantizers for TensorRT write them: what the last convolution gives is not rounded."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import onnx
import pytest
from qdq_networks import WEIGHT_SCALE, QdqNetwork, assert_converts, normal

import check
from qudnn import converter
from qudnn.converter.functions import DOMAIN
from session import open_session, outputs

OP = "QBottleneckFloatAdd"
SIZE = (16, 9, 8)
BETWEEN, SUM = 0.53, 0.61  # the scales of what convolutions read, and of sums


def conv(
    net: QdqNetwork, x: str, name: str, c: int, k: int, size: int = 1, group: int = 1, **window: Any
) -> str:
    """In float32, with weights of 8 bits."""
    inputs = [
        x,
        net.weights(f"{name}_w", (k, c // group, size, size), 0),
        net.constant(f"{name}_b", net.rng.normal(0, 1, k), "float32"),
    ]
    return net.node("Conv", inputs, name, group=group, **{"pads": [size // 2] * 4, **window})


def rectified(net: QdqNetwork, x: str, scale: float = BETWEEN, relu: bool = True) -> str:
    """Dequantized again, of a zero point of 0 in int8 and what goes with it in uint8."""
    y = net.node("Relu", [x], f"{x}_relu") if relu else x
    return net.pair(y, f"{x}_q", scale, 128 if net.dtype == "int8" else 0 if relu else 128)


def block(
    net: QdqNetwork,
    x: str,
    name: str = "",
    *,
    c: int = 256,
    m: int = 64,
    k: int = 256,
    x_first: bool = False,
    window: int = 3,
    **given: Any,
) -> str:
    """Its sum, in float32 and rectified. Where channels or sizes change there is a shortcut."""
    strides = given.get("strides", [1, 1])
    reduced = rectified(net, conv(net, x, f"{name}reduced", c, m))
    between = rectified(net, conv(net, reduced, f"{name}window", m, m, window, **given))
    last = conv(net, between, f"{name}last", m, k)
    short = x
    if c != k or strides != [1, 1]:
        short = conv(net, x, f"{name}short", c, k, strides=strides)
        short = rectified(net, short, relu=False)
    total = net.node("Add", [short, last] if x_first else [last, short], f"{name}sum")
    return net.node("Relu", [total], f"{name}sum_relu")


def start(dtype: str = "int8", c: int = 256) -> tuple[QdqNetwork, str]:
    """Of a network whose block has a convolution in front of it."""
    net = QdqNetwork(dtype)
    return net, rectified(net, conv(net, net.x(("n", *SIZE)), "first", 16, c))


def ended(net: QdqNetwork, y: str) -> onnx.ModelProto:
    net.y(y, SUM, 128 if net.dtype == "int8" else 0)
    return net.model()


def the_block(model: onnx.ModelProto) -> tuple[onnx.NodeProto, dict[str, Any]]:
    """Of the converted model, and its attributes."""
    (node,) = [node for node in converter.convert(model).model.graph.node if node.op_type == OP]
    return node, {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def apart(model: onnx.ModelProto, reason: str, last: str = "QConvFloatAdd") -> None:
    """The block stays several operators, and the report can say why; without a reason it is none."""
    conversion = converter.convert(model, explain=True)
    found = Counter(node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN)
    assert not any("Bottleneck" in op for op in found) and found[last] == 1, found
    report = str(conversion.report)
    assert ("FuseBottleneck" in report) == bool(reason), report
    assert reason in report, report


@pytest.mark.parametrize("x_first", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_block_is_one_op(dtype: str, x_first: bool) -> None:
    net, x = start(dtype)
    model = ended(net, block(net, x, x_first=x_first))
    assert_converts(model, {"QConv": 1, OP: 1}, SIZE, False, SUM)
    node, given = the_block(model)
    shapes = {tensor.name: list(tensor.dims) for tensor in converter.convert(model).model.graph.initializer}
    assert [shapes[name] for name in node.input[2:]] == [
        [64, 1, 1, 256], [64], [64], [64, 3, 3, 64], [64], [64], [256, 1, 1, 64], [256], [256]
    ]  # fmt: skip
    assert node.input[0] == node.input[1]
    zero = 0 if dtype == "int8" else -128
    names = ("reduced_zero_point", "padding_zero_point", "window_zero_point", "r_zero_point", "y_zero_point")
    assert [given[name] for name in names] == [zero] * 5
    assert [given[f"{step}_min"] for step in ("reduced", "window", "y")] == [zero] * 3
    assert (given["r_scale"], given["y_scale"]) == (pytest.approx(BETWEEN), pytest.approx(SUM))
    assert (given["pads"], given["strides"]) == ([1] * 4, [1, 1])


@pytest.mark.parametrize("strides", [[1, 1], [2, 2]])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_shortcut(dtype: str, strides: list[int]) -> None:
    """It is rounded: the block adds it, and it stays a convolution."""
    net, x = start(dtype, c=64)
    model = ended(net, block(net, x, c=64, strides=strides))
    assert_converts(model, {"QConv": 2, OP: 1}, SIZE, False, SUM)
    node, given = the_block(model)
    assert node.input[0] != node.input[1]
    assert (given["strides"], given["r_zero_point"]) == (strides, 0)


def test_few_sums_differ() -> None:
    """From what onnxruntime computes in float32: only those that it rounds another way."""
    net, x = start()
    model = ended(net, block(net, x))
    feed = {"x": normal(2, *SIZE)}
    got, want = (outputs(open_session(each), feed) for each in (converter.convert(model).model, model))
    for name, value in want.items():
        assert (got[name] != value).mean() < 2e-3
        assert len({*value.flat}) > 60


def resnet(stages: Sequence[tuple[int, int]]) -> QdqNetwork:
    """Of blocks of so many channels between, and their number."""
    net, x = start(c=64)
    c = 64
    for stage, (m, count) in enumerate(stages):
        for number in range(count):
            strides = [2, 2] if stage and not number else [1, 1]
            y = block(net, x, f"b{stage}_{number}_", c=c, m=m, k=4 * m, strides=strides)
            x, c = net.pair(y, f"{y}_q", SUM, 128), 4 * m
    pooled = net.node("GlobalAveragePool", [x], "pooled")
    net.y(pooled, SUM / 4, 128)
    return net


def test_all_blocks_of_a_network() -> None:
    conversion = converter.convert(resnet([(64, 3), (128, 2)]).model())
    assert not conversion.report.left
    found = conversion.report.converted
    assert (found[OP], found["QConv"]) == (5, 1 + 2)
    assert not {"QConvFloatAdd", "QConvAdd", "QBottleneckAdd"} & found.keys()


@pytest.mark.parametrize("which", ["reduced_q", "window_q"])
def test_what_others_read(which: str) -> None:
    net, x = start()
    y = block(net, x)
    net.y(conv(net, which, "other", 64, 16), SUM)
    apart(ended(net, y), "other operators read what is between the convolutions of its block")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"group": 64}, "the kernel for windows over each channel adds only to rounded results"),
        ({"group": 2}, ""),
        ({"window": 1}, ""),
        ({"window": 5}, ""),
        ({"m": 48}, "its block has 256, 48, 48 and 256 channels: the kernel takes a multiple of 64"),
        ({"dilations": [2, 2], "pads": [2] * 4}, "has dilations"),
        ({"strides": [3, 3]}, "the windows of its block have strides other than 1 and 2"),
    ],
)
def test_other_blocks(given: dict[str, Any], reason: str) -> None:
    net, x = start()
    apart(ended(net, block(net, x, **given)), reason)


def test_scales_of_weights_count() -> None:
    """The last multiplier gives real numbers: the scales of what it reads and of its weights."""
    net, x = start()
    model = ended(net, block(net, x))
    node, _ = the_block(model)
    constants = {
        tensor.name: onnx.numpy_helper.to_array(tensor)
        for tensor in converter.convert(model).model.graph.initializer
    }
    ratio = constants[node.input[-1]] / (BETWEEN * WEIGHT_SCALE)
    assert 0.5 <= ratio.min() < 0.6 and 1.4 < ratio.max() <= 1.5
    first = constants[node.input[4]] / WEIGHT_SCALE  # from one scale to the same
    assert 0.5 <= first.min() < 0.6 and 1.4 < first.max() <= 1.5


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_on_the_gpu(dtype: str) -> None:
    net, x = start(dtype)
    x = net.pair(block(net, x, "a_"), "a_q", SUM, 128 if dtype == "int8" else 0)
    model = converter.convert(ended(net, block(net, x, "b_", strides=[2, 2]))).model
    assert sum(node.op_type == OP for node in model.graph.node) == 2
    for batch in (1, 3):
        check.assert_kernels_match_bodies(model, {"x": normal(batch, *SIZE)})


@pytest.mark.gpu
def test_a_network_on_the_gpu() -> None:
    """At batches where one kernel takes a block, and where three may."""
    model = converter.convert(resnet([(64, 3), (128, 2)]).model()).model
    assert sum(node.op_type == OP for node in model.graph.node) == 5
    for batch in (1, 3, 40):
        check.assert_kernels_match_bodies(model, {"x": normal(batch, *SIZE)})
