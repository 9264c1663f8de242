"""Resize, DepthToSpace, SpaceToDepth on 8 bits."""

import numpy as np
import pytest
from operators import DTYPES, Operators, assert_inside, assert_left

import check
from qudnn import converter


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scales", [(2, 2), (1.5, 3), (0.5, 0.7), (4, 1)])
@pytest.mark.parametrize(
    ("mode", "coordinates", "nearest"),
    [
        ("nearest", "asymmetric", "floor"),
        ("nearest", "half_pixel", "round_prefer_floor"),
        ("nearest", "align_corners", "round_prefer_ceil"),
        ("nearest", "pytorch_half_pixel", "ceil"),
        ("linear", "asymmetric", "floor"),
        ("linear", "half_pixel", "floor"),
        ("linear", "align_corners", "floor"),
        ("linear", "pytorch_half_pixel", "floor"),
    ],
)
def test_resize(mode: str, coordinates: str, nearest: str, scales: tuple[float, float], dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 9]), "c", 3, 20)
    factors = net.constant("scales", [1, 1, *scales], "float32")
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
    x = net.node("Resize", [x, "", factors], "resized", **attributes)
    net.conv(x, net.result("y", 4), 20, 8)
    assert_inside(
        net, {"QConv": 2, "QResize": 1}, {"x": net.random(2, 3, 6, 9)}, {"x": net.random(1, 3, 6, 9)}
    )


def test_resize_to_sizes() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 9]), "c", 3, 20)
    sizes = net.constant("sizes", np.array([2, 20, 11, 18]), "int64")
    x = net.node("Resize", [x, "", "", sizes], "resized", mode="linear")
    net.conv(x, net.result("y", 4), 20, 8)
    assert_inside(net, {"QConv": 2, "QResize": 1}, {"x": net.random(2, 3, 6, 9)})


@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_resize_to_a_multiple_of_unknown_sizes(mode: str) -> None:
    """Computed with the Shape of another tensor, as decoders resize to what encoders had."""
    net = Operators("uint8")
    skip = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), net.result("c", 4), 3, 20)
    x = net.node("MaxPool", [skip], "pooled", kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1])
    shape = net.node("Shape", [skip], "shape")
    bounds = [net.constant(name, [n], "int64") for name, n in {"from": 2, "to": 4, "axis": 0}.items()]
    sizes = net.node("Slice", [shape, *bounds], "hw")
    sizes = net.node("Mul", [sizes, net.constant("factors", [2, 1], "int64")], "grown")
    start = net.node("Slice", [shape, net.constant("zero", [0], "int64"), "from", "axis"], "nc")
    sizes = net.node("Concat", [start, sizes], "sizes", axis=0)
    x = net.node(
        "Resize", [x, "", "", sizes], "resized", mode=mode, coordinate_transformation_mode="asymmetric"
    )
    net.conv(x, net.result("y", 4), 20, 8)
    model = net.model(13)
    conversion = converter.convert(model)
    assert conversion.report.converted["QResize"] == 1 and conversion.report.islands == 1
    images = [{"x": net.random(2, 3, *size)} for size in ((6, 9), (1, 2))]
    check.assert_equivalent(model, conversion.model, images)


@pytest.mark.parametrize(("mode", "ops"), [("linear", {"QResize": 1}), ("nearest", {})])
def test_resize_alone(mode: str, ops: dict[str, int]) -> None:
    """Worth no crossings, but for its bits: onnxruntime's CUDA provider computes the linear one wrongly."""
    net = Operators("uint8")
    x = net.eight_bit("x", ["n", 3, 6, 9])
    factors = net.constant("scales", [1, 1, 2, 2], "float32")
    net.node("Resize", [x, "", factors], net.result("y", 4), mode=mode)
    model = net.model(13)
    conversion = converter.convert(model)
    assert conversion.report.converted == ops
    check.assert_equivalent(model, conversion.model, [{"x": net.random(2, 3, 6, 9)}])


def test_resize_of_another_kind_stays() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 9]), "c", 3, 20)
    sizes = net.constant("sizes", [2, 20, 12, 20], "int64")
    policy = {"keep_aspect_ratio_policy": "not_larger"}
    net.node("Resize", [x, "", "", sizes], net.result("y", 4), mode="nearest", **policy)
    inputs = {"x": net.random(2, 3, 6, 9)}
    assert_left(net, "Resize", "keep_aspect_ratio_policy is not supported", inputs, opset=18)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("channels", [16, 5])
def test_depth_to_space(channels: int, mode: str, dtype: str) -> None:
    """The convolution before it writes the channels where it wants them."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 5, 4]), "c", 3, 4 * channels)
    x = net.node("DepthToSpace", [x], "d", blocksize=2, mode=mode)
    net.conv(x, net.result("y", 4), channels, 8)
    ops = {"QConv": 2, "QDepthToSpace": 1}
    assert_inside(net, ops, {"x": net.random(2, 3, 5, 4)}, {"x": net.random(1, 3, 5, 4)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_depth_to_space_of_what_others_read(dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 5, 4]), net.result("c", 4), 3, 27)
    net.conv(net.node("DepthToSpace", [x], "d", blocksize=3), net.result("y", 4), 3, 8)
    ops = {"QConv": 2, "QDepthToSpace": 1, "Gather": 1}
    assert_inside(net, ops, {"x": net.random(2, 3, 5, 4)}, {"x": net.random(1, 3, 5, 4)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_space_to_depth(dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 6, 4]), "c", 3, 20)
    net.conv(net.node("SpaceToDepth", [x], "d", blocksize=2), net.result("y", 4), 80, 8)
    ops = {"QConv": 2, "Reshape": 2, "Transpose": 1}
    assert_inside(net, ops, {"x": net.random(2, 3, 6, 4)}, {"x": net.random(1, 3, 6, 4)})
