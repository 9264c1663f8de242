"""Float operators with constants for each channel, between DequantizeLinear and QuantizeLinear -> QTable"""

import numpy as np
import pytest
from operators import DTYPES, Operators, assert_inside, assert_left

from cases.builder import Array

CHANNELS = 21


def normalized(net: Operators, x: str, y: str, channels: int = CHANNELS) -> str:
    parameters = {
        "scale": net.rng.uniform(-2, 2, channels),
        "shift": net.rng.normal(0, 1, channels),
        "mean": net.rng.normal(0, 1, channels),
        "variance": net.rng.uniform(0.1, 3, channels),
    }
    names = [net.constant(f"{y}_{name}", value, "float32") for name, value in parameters.items()]
    return net.node("BatchNormalization", [x, *names], y)


def dequantized(net: Operators, x: str) -> str:
    return net.node("DequantizeLinear", [x, *net.quantization(f"q{x}")], f"{x}_float")


def inputs(net: Operators, *shape: int) -> list[dict[str, Array]]:
    return [{"x": net.random(batch, *shape)} for batch in (2, 1)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("relu", [True, False])
def test_normalization_before_a_convolution(relu: bool, dtype: str) -> None:
    """As in DenseNet, whose layers begin with it, on tensors that Concat has left with gaps."""
    net = Operators(dtype)
    x = net.eight_bit("x", ["n", 3, 9, 8])
    parameters = net.quantization("joined")
    parts = [(net.conv(x, f"c{k}", 3, k), *parameters) for k in (16, 5)]
    x = net.contrib("QLinearConcat", [*parameters, *parts[1], *parts[0]], "joined", axis=1)
    x = normalized(net, dequantized(net, x), "bn")
    x = net.node("Relu", [x], "relu") if relu else x
    x = net.node("QuantizeLinear", [x, *net.quantization("qy")], "quantized")
    net.conv(x, net.result("y", 4), CHANNELS, 6)
    assert_inside(net, {"QConv": 3, "Concat": 1, "QTable": 1}, *inputs(net, 3, 9, 8))


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_values_of_all_channels(dtype: str) -> None:
    for seed in range(4):
        net = Operators(dtype, seed)
        x = normalized(net, dequantized(net, net.eight_bit("x", ["n", CHANNELS, 16, 16])), "bn")
        slope = net.constant("slope", net.rng.uniform(-1, 1, (CHANNELS, 1, 1)), "float32")
        x = net.node("PRelu", [x, slope], "prelu")
        factor = net.constant("factor", net.rng.uniform(-1, 1, (1, CHANNELS, 1, 1)), "float32")
        x = net.node("Mul", [x, factor], "scaled")
        net.node("QuantizeLinear", [x, *net.quantization("qy")], net.result("y", 4))
        values = np.arange(256).astype(np.uint8).view(dtype).reshape(1, 1, 16, 16).repeat(CHANNELS, 1)
        assert_inside(net, {"QTable": 1}, {"x": values}, {"x": net.random(3, CHANNELS, 16, 16)})


def test_normalization_of_features() -> None:
    net = Operators("uint8")
    x = net.matmul(net.eight_bit("x", ["n", 40]), "m", 40, CHANNELS)
    x = normalized(net, dequantized(net, x), "bn")
    x = net.node("QuantizeLinear", [x, *net.quantization("qy")], "quantized")
    net.matmul(x, net.result("y", 2), CHANNELS, 6)
    assert_inside(net, {"QMatMul": 2, "QTable": 1}, *inputs(net, 40))


def test_constants_for_each_pixel_stay() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 3, 9, 8]), "c", 3, CHANNELS)
    map_ = net.constant("map", net.rng.uniform(-1, 1, (1, 1, 9, 8)), "float32")
    x = net.node("Sub", [dequantized(net, x), map_], "moved")
    net.node("QuantizeLinear", [x, *net.quantization("qy")], net.result("y", 4))
    assert_left(net, "Sub", "nor one for each channel", inputs(net, 3, 9, 8)[0])
