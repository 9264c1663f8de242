"""Resize to sizes that follow from those of the model's inputs, known only at run time."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from operators import DTYPES, Operators, assert_left
from qdq_networks import RESULT_SCALE, QdqNetwork, normal
from test_run_time_sizes import Arithmetic

import check
from cases.builder import GraphBuilder
from qudnn import converter
from qudnn.converter import Conversion
from session import open_session, outputs

IMAGES = [(2, 16, 24), (1, 17, 9), (1, 7, 31), (1, 2, 3)]
MODES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")


def resized(net: GraphBuilder, x: str, like: str, channels: int, mode: str, coordinates: str) -> str:
    """x, with the height and width of another tensor, as exporters write it."""
    of = Arithmetic(net)
    sizes = of.vector(of.size(x, 0), channels, of.size(like, 2), of.size(like, 3))
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    return net.node("Resize", [x, "", "", sizes], "resized", **attributes)


def converted(net: GraphBuilder, op: str, count: int = 1) -> Conversion:
    conversion = converter.convert(net.model(17))
    report = conversion.report
    assert report.left_quantized == 0 and (report.islands, report.exits) == (1, 1), str(report)
    assert sum(node.op_type == op for node in conversion.model.graph.node) == count, str(report)
    return conversion


def decoder(dtype: str, coordinates: str, same: bool) -> QdqNetwork:
    """A convolution with strides, and its result as large as the image."""
    net = QdqNetwork(dtype)
    x = net.x(("n", 4, "h", "w"))
    y = net.node("Conv", [x, net.weights("w", (6, 4, 3, 3))], "c", strides=[2, 2], pads=[1] * 4)
    y = net.pair(y, "c_q", RESULT_SCALE, 131)
    y = resized(net, y, "x", 6, "linear", coordinates)
    net.y(y, *((RESULT_SCALE, 131) if same else (0.07, 117)))
    return net


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("coordinates", MODES)
def test_in_float(coordinates: str, same: bool, dtype: str) -> None:
    net = decoder(dtype, coordinates, same)
    conversion = converted(net, "QFloatResizeTo")
    feeds = [{"x": normal(n, 4, h, w)} for n, h, w in IMAGES]
    check.assert_equivalent(net.model(17), conversion.model, feeds)
    (note,) = (entry for entry in conversion.report.approximate if entry.op_type == "Resize")
    assert "at sizes that change the width of the image and not its height" in note.reason


def test_in_float_of_a_height_that_changes() -> None:
    """Then there is no doubt about the result."""
    net = QdqNetwork()
    of = Arithmetic(net)
    x = net.conv(net.x(("n", 4, "h", "w")))
    x = net.pair(x, "c_q", RESULT_SCALE, 131)
    sizes = of.vector(of.size(x, 0), 6, of.of("Add", of.size("x", 2), 5), of.of("Mul", of.size("x", 2), 2))
    net.y(net.node("Resize", [x, "", "", sizes], "r", mode="linear"))
    conversion = converted(net, "QFloatResizeTo")
    assert not conversion.report.approximate
    feeds = [{"x": normal(n, 4, h, w)} for n, h, w in IMAGES]
    check.assert_equivalent(net.model(17), conversion.model, feeds)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("scale", "ops"), [(RESULT_SCALE, {"QTable": 0}), (0.07, {"QTable": 1})])
def test_a_pixel_that_becomes_an_image(scale: float, ops: dict[str, int], dtype: str) -> None:
    """As pyramids of pools have it: whatever the sizes are, no value is blended with another."""
    net = QdqNetwork(dtype)
    x = net.conv(net.x(("n", 4, "h", "w")))
    x = net.pair(
        net.node("GlobalAveragePool", [net.pair(x, "c_q", RESULT_SCALE, 131)], "p"), "p_q", 0.03, 131
    )
    scales = {RESULT_SCALE: 0.03, 0.07: 0.021}
    net.y(resized(net, x, "x", 6, "linear", "pytorch_half_pixel"), scales[scale], 131)
    conversion = converted(net, "Expand")
    assert "Resize" not in {entry.op_type for entry in conversion.report.approximate}
    assert {op: conversion.report.converted.get(op, 0) for op in ops} == ops
    feeds = [{"x": normal(n, 4, h, w)} for n, h, w in (*IMAGES, (1, 2, 9), (1, 9, 3))]
    check.assert_equivalent(net.model(17), conversion.model, feeds)


def eight_bits(
    dtype: str, mode: str, coordinates: str, images: Sequence[int | str] = ("h", "w")
) -> Operators:
    net = Operators(dtype)
    skip = net.conv(net.eight_bit("x", ["n", 3, *images]), "a", 3, 20)
    x = net.node("MaxPool", [skip], "pooled", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    net.conv(resized(net, x, skip, 20, mode, coordinates), net.result("y", 4), 20, 8)
    return net


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("coordinates", MODES)
def test_nearest_pixels(coordinates: str, dtype: str) -> None:
    net = eight_bits(dtype, "nearest", coordinates)
    conversion = converted(net, "QResizeTo")
    assert not conversion.report.approximate and not conversion.report.left
    feeds = [{"x": net.random(n, 3, h, w)} for n, h, w in IMAGES]
    check.assert_equivalent(net.model(17), conversion.model, feeds)


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear_of_eight_bits(dtype: str) -> None:
    """onnxruntime's result is that of one of two layouts: they differ by a quantum, the report says so."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "a", 3, 20)
    x = net.node("MaxPool", [x], "pooled", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    net.node("Identity", [resized(net, x, "x", 20, "linear", "half_pixel")], net.result("y", 4))
    conversion = converted(net, "QResizeTo")
    (note,) = conversion.report.approximate
    assert note.op_type == "Resize" and "within one quantum" in note.reason
    for n, h, w in IMAGES:
        feeds = {"x": net.random(n, 3, h, w)}
        got, want = (outputs(open_session(m), feeds)["y"] for m in (conversion.model, net.model(17)))
        differences = np.abs(got.astype(np.int64) - want)
        assert got.shape == want.shape == (n, 20, h, w) and differences.max() <= 1


def test_sizes_that_nobody_knows() -> None:
    net = Operators("uint8")
    of = Arithmetic(net)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "a", 3, 20)
    places = net.node("NonZero", [net.node("Cast", [x], "cast", to=onnx.TensorProto.BOOL)], "places")
    more = of.size(places, 1)
    sizes = of.vector(of.size(x, 0), 20, of.of("Add", of.of("Mod", more, 3), 4), 8)
    net.conv(net.node("Resize", [x, "", "", sizes], "r", mode="nearest"), net.result("y", 4), 20, 8)
    reason = "which does not follow from the sizes of the model's inputs"
    assert_left(net, "Resize", reason, {"x": net.random(1, 3, 5, 6)}, opset=17)
