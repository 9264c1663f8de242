"""Functions of one tensor -> QTable, over all 256 values."""

import numpy as np
import pytest
from operators import DTYPES, Operators, assert_inside, assert_left

import check
from cases.builder import MICROSOFT
from qudnn import converter


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["QLinearSigmoid", "QLinearLeakyRelu"])
def test_quantized(kind: str, dtype: str, seed: int) -> None:
    net = Operators(dtype, seed)
    x = net.eight_bit("x", ["n", 16, 4, 4])
    attributes = {"alpha": 0.13} if kind == "QLinearLeakyRelu" else {}
    inputs = [x, *net.quantization("qx"), *net.quantization("qy", 0.01)]
    net.contrib(kind, inputs, net.result("y", 4), **attributes)
    values = np.arange(256).astype(np.uint8).view(dtype).reshape(1, 16, 4, 4)
    assert_inside(net, {"QTable": 1}, {"x": values}, {"x": net.random(3, 16, 4, 4)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_and_clip_on_8_bits(dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 4, 4]), "c", 3, 5)
    if dtype == "int8":  # onnxruntime has no Relu on uint8
        x = net.conv(net.node("Relu", [x], "relu"), "d", 5, 5)
    low, high = (net.constant(name, value, dtype) for name, value in (("low", 3), ("high", 77)))
    x = net.node("Clip", [x, low, high], "clip")
    net.conv(x, net.result("y", 4), 5, 4)
    ops = {"QConv": 1, "QConvTable": 2 if dtype == "int8" else 1}
    assert_inside(net, ops, {"x": net.random(2, 3, 4, 4)}, {"x": net.random(1, 3, 4, 4)}, opset=14)


def test_scale_that_is_not_constant() -> None:
    net = Operators("uint8")
    x = net.eight_bit("x", ["n", 16, 4, 4])
    scale, zero_point = net.quantization("qy")
    inputs = [x, net.input("scale", "float32", []), zero_point, scale, zero_point]
    net.node("QLinearSigmoid", inputs, net.result("y", 4), MICROSOFT)
    feed = {"x": net.random(1, 16, 4, 4), "scale": np.array(0.1, np.float32)}
    assert_left(net, "QLinearSigmoid", "must be constant", feed)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_over_channels(dtype: str) -> None:
    for seed in range(4):
        net = Operators(dtype, seed)
        x = net.matmul(net.eight_bit("x", ["n", 40]), "m", 40, 21)
        inputs = [x, *net.quantization("qx", 0.02), *net.quantization("qy", 0.004)]
        net.contrib("QLinearSoftmax", inputs, net.result("y", 2), axis=-1, opset=13)
        assert_inside(net, {"QMatMul": 1, "QSoftmax": 1}, {"x": net.random(5, 40)}, {"x": net.random(1, 40)})


def softmax_of_images(net: Operators, axis: int, opset: int = 13) -> None:
    x = net.conv(net.eight_bit("x", ["n", 3, 4, 6]), "c", 3, 5)
    inputs = [x, *net.quantization("qx", 0.02), *net.quantization("qy", 0.004)]
    x = net.contrib("QLinearSoftmax", inputs, "s", axis=axis, opset=opset)
    net.node("MaxPool", [x], net.result("y", 4), kernel_shape=[2, 2])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [1, -3])
def test_softmax_of_each_pixel(axis: int, dtype: str) -> None:
    """As segmenters end."""
    net = Operators(dtype)
    softmax_of_images(net, axis)
    images = [{"x": net.random(n, 3, 4, 6)} for n in (2, 1)]
    assert_inside(net, {"QConv": 1, "QSoftmax": 1, "QMaxPool": 1}, *images)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [2, -1])
def test_softmax_over_pixels(axis: int, dtype: str) -> None:
    """In an island of its own, where that axis is last."""
    net = Operators(dtype)
    softmax_of_images(net, axis)
    model = net.model(13)
    conversion = converter.convert(model)
    assert conversion.report.converted["QSoftmax"] == 1
    check.assert_equivalent(model, conversion.model, [{"x": net.random(n, 3, 4, 6)} for n in (2, 1)])


def test_softmax_that_flattens_stays() -> None:
    net = Operators("uint8")
    softmax_of_images(net, 1, opset=12)
    assert_left(net, "QLinearSoftmax", "it flattens from axis 1 on", {"x": net.random(2, 3, 4, 6)})
