"""Constants, windows and tensors of sizes that nobody gives them on purpose, which onnxruntime opens."""

import numpy as np
import pytest
from dynamic_networks import DynamicNetwork, feed
from networks import Network
from qdq_networks import RESULT_SCALE, SCALE, QdqNetwork, reasons

import check
from qudnn import converter
from session import open_session


def network_with(scale: tuple[int, ...], bias: tuple[int, ...]) -> DynamicNetwork:
    """x `[n, 12]` -> two matmuls; scale, bias: the shapes of these constants of the first one."""
    net = DynamicNetwork()
    net.matmul(net.quantize(net.x(["n", 12])), "first", 12, 8)
    for constant, shape in (("first_w_scale", scale), ("first_b", bias)):
        (tensor,) = (tensor for tensor in net.constants if tensor.name == constant)
        tensor.dims[:] = shape
    net.end(net.node("Relu", ["first"], "relu"), 8, rank=len(max(scale, bias, key=len)))
    return net


@pytest.mark.parametrize(
    ("scale", "bias", "reason"),
    [
        ((1, 1, 8), (8,), "scales differ in rank"),
        ((8,), (1, 1, 8), "bias has more dimensions than its result"),
    ],
)
def test_dimensions_that_onnxruntime_drops(
    scale: tuple[int, ...], bias: tuple[int, ...], reason: str
) -> None:
    """Optimized, it computes a matrix where ONNX has three dimensions: nobody knows what consumers get."""
    net = network_with(scale, bias)
    other = net.matmul(net.quantize(net.x(["n", 12], "other")), "another", 12, 8)
    net.output(other, "float32", ["n", 8])
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}
    left = {entry.name: entry.reason for entry in conversion.report.left if entry.op_type == "MatMulInteger"}
    assert reason in left["first_32_node"]
    assert left["end_32_node"] == "the shape of relu is unknown"
    feeds = [feed(model, size) for size in (3, 1)]
    (shape, _) = (result.shape for result in open_session(model).run(["end", "another"], feeds[0]))
    assert shape == (3, 5)  # it drops the dimension
    check.assert_equivalent(model, conversion.model, feeds)


@pytest.mark.parametrize("shape", [(8,), (1, 8), (1, 1)])
def test_dimensions_that_onnxruntime_keeps(shape: tuple[int, ...]) -> None:
    net = network_with(shape if shape[-1] == 8 else (8,), (1, 8))
    conversion = converter.convert(model := net.model())
    assert conversion.report.converted["DynamicQMatMul"] == 2
    check.assert_equivalent(model, conversion.model, [feed(model, size) for size in (3, 1)])


def test_bound_of_several_elements() -> None:
    """onnxruntime opens the model, and refuses to run it."""
    net = QdqNetwork()
    low = net.constant("low", [0, 0], "float32")
    net.y(net.node("Clip", [net.node("Add", [net.x(), net.x(name="b")], "sum"), low], "clip"))
    report = converter.convert(net.model()).report
    left = {entry.name: entry.reason for entry in report.left}
    assert left["sum_node"] == "its Clip's bound has the shape [2], not one element"
    open_session(net.model())


def test_window_larger_than_any_image() -> None:
    """Over it com.microsoft's operators do not pass, so that onnxruntime computes in float32."""
    net = QdqNetwork("int8")
    x = net.pair(net.conv(net.x(("n", 4, 4, 8)), "c"), "c_out", RESULT_SCALE, 101)
    net.nodes[-1].domain = "com.microsoft"
    kernel, strides = [2**63 - 1, 3], [3, 3]
    pool = net.node("MaxPool", [x], "pool", kernel_shape=kernel, strides=strides, auto_pad="SAME_UPPER")
    net.y(pool, SCALE)
    assert "pool_node" in reasons(net.model(), 4, 4, 8)


def test_more_channels_than_a_layout_lists() -> None:
    """Listing them would take all memory."""
    net = Network()
    net.input("x", "uint8", ("n", 2**31, 1, 1))
    net.add("x", "x", "y")
    net.unshaped_output("y", "uint8")
    (left,) = converter.convert(net.model(17)).report.left
    assert left.reason == f"y has {2**31} channels, more than {2**20}"


@pytest.mark.parametrize("scale", [3e38, -2.0, 2.0**31])
def test_image_larger_than_any(scale: float) -> None:
    net = Network()
    net.eight_bit_input(("n", 3, 4, 4))
    scales = net.constant("scales", [1, 1, scale, 1], "float32")
    net.node("Resize", [net.conv("x", "c", 3, 16), "", scales], "y")
    net.unshaped_output("y", "uint8")
    report = converter.convert(net.model(17)).report
    assert report.converted == {"QConv": 1}
    reasons = [left.reason for left in report.left if left.op_type == "Resize"]
    assert reasons == [f"it resizes 4 by {np.float32(scale)}"]


LISTS: dict[str, tuple[dict[str, list[int]], str]] = {
    "Slice": ({"starts": [1], "ends": [2, 3]}, "its starts, ends, axes and steps are not of one length"),
    "Split": ({"split": []}, "its parts have the sizes []"),
    "Squeeze": ({"axes": [4]}, "it has no axis 4, as it works on 4 dimensions"),
    "Unsqueeze": ({"axes": [1, -5]}, "it adds an axis twice: its axes are [1, -5]"),
}


@pytest.mark.parametrize("op_type", LISTS)
def test_lists_of_other_lengths(op_type: str) -> None:
    lists, reason = LISTS[op_type]
    net = Network()
    net.eight_bit_input(("n", 3, 4, 4))
    inputs = [net.constant(name, numbers, "int64") for name, numbers in lists.items()]
    net.node(op_type, [net.conv("x", "c", 3, 16), *inputs], "y")
    net.unshaped_output("y", "uint8")
    report = converter.convert(net.model(17)).report
    assert report.converted == {"QConv": 1}
    assert [left.reason for left in report.left if left.op_type == op_type] == [reason]


def test_slice_of_nothing() -> None:
    net = Network()
    net.eight_bit_input(("n", 3, 4, 4))
    nothing = [net.constant(name, np.zeros(0), "int64") for name in ("starts", "ends", "axes", "steps")]
    net.conv(net.node("Slice", [net.conv("x", "c", 3, 16), *nothing], "s"), "y", 16, 16)
    net.unshaped_output("y", "uint8")
    model = net.model(17)
    conversion = converter.convert(model)
    assert (conversion.report.converted["QConv"], conversion.report.entries) == (2, 1)
    check.assert_equivalent(model, conversion.model, [{"x": net.random((2, 3, 4, 4))}])
