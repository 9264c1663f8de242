"""QLinearAveragePool -> QAveragePool; pools of one dimension, and of three."""

from typing import Any

import numpy as np
import pytest
from onnx import helper
from operators import DTYPES, Operators, assert_inside

import check
from qudnn import converter


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", DTYPES)
def test_average_pool(dtype: str, seed: int) -> None:
    net = Operators(dtype, seed)
    draw = net.rng.integers
    kernel = [int(size) for size in draw(1, 5, 2)]
    attributes = {
        "kernel_shape": kernel,
        "strides": [int(stride) for stride in draw(1, 4, 2)],
        "pads": [int(draw(0, kernel[axis])) for axis in (0, 1, 0, 1)],
        "ceil_mode": int(draw(0, 2)),
        "count_include_pad": int(draw(0, 2)),
    }
    x = net.conv(net.eight_bit("x", ["n", 3, 9, 12]), "c", 3, 21)
    inputs = [x, *net.quantization("qx"), *net.quantization("qy")]
    y = net.contrib("QLinearAveragePool", inputs, "pool", **attributes)
    net.conv(y, net.result("y", 4), 21, 8)
    assert_inside(
        net, {"QConv": 2, "QAveragePool": 1}, {"x": net.random(2, 3, 9, 12)}, {"x": net.random(1, 3, 9, 12)}
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_average_pool_with_auto_pad(dtype: str) -> None:
    net = Operators(dtype)
    x = net.eight_bit("x", ["n", 16, 7, 8])
    inputs = [x, *net.quantization("qx"), *net.quantization("qy")]
    net.contrib(
        "QLinearAveragePool",
        inputs,
        net.result("y", 4),
        kernel_shape=[3, 2],
        strides=[2, 2],
        auto_pad="SAME_UPPER",
    )
    assert_inside(net, {"QAveragePool": 1}, {"x": net.random(2, 16, 7, 8)}, {"x": net.random(1, 16, 7, 8)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_dimension(dtype: str) -> None:
    """Rows are images of one row between the crossings, and nowhere else anything."""
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, "w"]), "a", 3, 24, [5], pads=[2, 1], strides=[2])
    x = net.conv(x, "b", 24, 24, [3], group=24, dilations=[2], pads=[2, 2])
    x = net.node("MaxPool", [x], "max", kernel_shape=[3], pads=[1, 1], strides=[2])
    inputs = [x, *net.quantization("qx"), *net.quantization("qy")]
    x = net.contrib("QLinearAveragePool", inputs, "mean", kernel_shape=[2])
    inputs = [x, *net.quantization("qx2"), *net.quantization("qy2")]
    x = net.contrib("QLinearGlobalAveragePool", inputs, "all")
    net.conv(x, net.result("y", 3), 24, 10, [1])
    ops = {
        "QConv": 3,
        "QMaxPool": 1,
        "QAveragePool": 1,
        "QGlobalAveragePool": 1,
        "Unsqueeze": 1,
        "Squeeze": 1,
    }
    assert_inside(net, ops, {"x": net.random(2, 3, 40)}, {"x": net.random(1, 3, 33)})


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("dtype", DTYPES)
def test_three_dimensions(dtype: str, seed: int) -> None:
    net = Operators(dtype, seed)
    draw = net.rng.integers

    def window() -> dict[str, Any]:
        kernel = [int(size) for size in draw(1, 4, 3)]
        return {
            "kernel_shape": kernel,
            "strides": [int(stride) for stride in draw(1, 4, 3)],
            "pads": [int(draw(0, kernel[axis % 3])) for axis in range(6)],
            "ceil_mode": int(draw(0, 2)),
        }

    x = net.conv(net.eight_bit("x", ["n", 3, 7, 8, "w"]), "c", 3, 21, (1, 2, 1))
    x = net.node("MaxPool", [x], "max", **window(), dilations=[1, 2, 1])
    inputs = [x, *net.quantization("qx"), *net.quantization("qy")]
    x = net.contrib("QLinearAveragePool", inputs, "mean", **window(), count_include_pad=int(draw(0, 2)))
    net.conv(x, net.result("y", 5), 21, 8, (1, 1, 1))
    ops = {"QConv3D": 2, "QMaxPool3D": 1, "QAveragePool3D": 1}
    assert_inside(net, ops, {"x": net.random(2, 3, 7, 8, 10)}, {"x": net.random(1, 3, 7, 8, 9)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_padding_is_the_convolutions(dtype: str) -> None:
    net = Operators(dtype)
    scale, zero_point = net.quantization("x_for_c")
    fill = next(tensor for tensor in net.constants if tensor.name == zero_point)
    net.constants.append(type(fill).FromString(fill.SerializeToString()))
    net.constants[-1].name = "fill"
    x = net.conv(net.eight_bit("x", ["n", 16, 6, 6]), "b", 16, 16)
    x = net.node("Pad", [x, net.constant("pads", [0, 0, 0, 1, 0, 0, 2, 3], "int64"), "fill"], "padded")
    inputs = [x, scale, zero_point, *net._weights("c", (8, 16, 3, 3), 8), *net.quantization("c", 9.0)]
    net.node("QLinearConv", inputs, net.result("c", 4), pads=[1, 0, 0, 0])
    assert_inside(net, {"QConv": 2}, {"x": net.random(2, 16, 6, 6)}, {"x": net.random(1, 16, 6, 6)})


def test_padding_with_another_value_is_an_op_of_its_own() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 16, 6, 6]), "b", 16, 16)
    pads = net.constant("pads", np.array([0, 0, 1, 1, 0, 0, 1, 1]), "int64")
    x = net.node("Pad", [x, pads, net.constant("fill", 255, "uint8")], "padded")
    net.parameters("none", 1.0, 0, "uint8")
    net.conv(x, net.result("y", 4), 16, 8, 3)
    assert_inside(net, {"QConv": 2, "QMaxPool": 1}, {"x": net.random(1, 16, 6, 6)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("read", [False, True])
def test_indices_that_nothing_reads(read: bool, dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 6]), "c", 5, 8)
    net.nodes.append(helper.make_node("MaxPool", [x], ["m", "indices"], name="m_node", kernel_shape=[2, 2]))
    net.conv("m", net.result("y", 4), 8, 4)
    if read:
        net.output("indices", "int64", ["n", 8, "h", "w"])
        conversion = converter.convert(net.model(13))
        assert {left.name: left.reason for left in conversion.report.left} == {
            "m_node": "its output Indices is not supported"
        }
        check.assert_equivalent(net.model(13), conversion.model, [{"x": net.random(2, 5, 6, 6)}])
    else:
        assert_inside(net, {"QConv": 2, "QMaxPool": 1}, {"x": net.random(2, 5, 6, 6)})
