"""DequantizeLinear -> Resize (linear) -> QuantizeLinear, which onnxruntime computes in float32."""

from collections.abc import Sequence

import pytest
from same_bits import Graph, assert_same_bits

SCALES = {"up": (2.0, 2.0), "uneven": (7 / 3, 1.5), "down": (2 / 3, 0.37), "rows": (3.0, 1.0)}
MODES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")


def resized(
    dtype: str,
    scales: Sequence[float] | None = (2.0, 2.0),
    mode: str = "half_pixel",
    same: bool = True,
    sizes: Sequence[int] | None = None,
) -> tuple[Graph, str]:
    """x quantized, resized and quantized again. same: with one scale and zero point."""
    g = Graph(5)
    lowest = -128 if dtype == "int8" else 0
    parameters = g.number(0.02), g.number(lowest + 128, dtype)
    x = g.pair(g.x("x", "float32", [2, 4, 8, 10], ["n", 4, 8, 10]), "a", *parameters)
    inputs = [x, ""]
    if sizes is not None:
        inputs += ["", g.constant("sizes", sizes, "int64")]
    elif scales is not None:
        inputs += [g.constant("scales", [1, 1, *scales], "float32")]
    y = g.node("Resize", inputs, "r", mode="linear", coordinate_transformation_mode=mode)
    if not same:
        parameters = g.number(0.025), g.number(lowest + 120, dtype)
    return g, g.pair(y, "y", *parameters)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scales", SCALES)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_scales(dtype: str, scales: str, mode: str, same: bool) -> None:
    g, y = resized(dtype, SCALES[scales], mode, same)
    g.y(y, rank=4)
    assert_same_bits(g, {"QFloatResize": 1})


@pytest.mark.parametrize("sizes", [(16, 20), (13, 7), (8, 20), (16, 10)])
@pytest.mark.parametrize("opset", [13, 18, 21])
def test_sizes(opset: int, sizes: Sequence[int]) -> None:
    g, y = resized("uint8", sizes=[2, 4, *sizes])
    g.y(y, rank=4)
    if sizes[0] == 8:
        reason = "depends on the layout that onnxruntime chose for the image"
        assert_same_bits(g, {"QFloatResize": 0}, {"Resize": reason}, opset)
    else:
        assert_same_bits(g, {"QFloatResize": 1}, opset=opset)


@pytest.mark.parametrize("consumer", ["Slice", "Concat", "Relu", "two"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_consumers(dtype: str, consumer: str) -> None:
    g, y = resized(dtype)
    parameters = g.number(0.02), g.number(0 if dtype == "int8" else 128, dtype)
    if consumer == "Slice":
        bounds = [g.constant(name, [n], "int64") for name, n in (("start", 0), ("end", 15), ("axis", 2))]
        g.y(g.pair(g.node("Slice", [y, *bounds], "part"), "z", *parameters), rank=4)
    elif consumer == "Concat":
        other = g.pair(g.x("other", "float32", [2, 4, 16, 20], ["n", 4, 16, 20]), "b", *parameters)
        g.y(g.pair(g.node("Concat", [y, other], "both", axis=1), "z", *parameters), rank=4)
    else:
        g.y(g.pair(g.node("Relu", [y], "relu"), "z", *parameters), rank=4)
        if consumer == "two":
            g.y(y, rank=4)
    assert_same_bits(g, {"QFloatResize": 1})


@pytest.mark.parametrize("scales", SCALES)
def test_between_convolutions(scales: str) -> None:
    """There onnxruntime takes the image for channels-last."""
    g = Graph(7)
    zero = g.number(128, "uint8")
    y = g.pair(g.x("x", "float32", [2, 3, 9, 8], ["n", 3, 9, 8]), "a", g.number(0.03), zero)
    for index, channels in enumerate((3, 8)):
        w = g.dequantize(
            g.random("int8", [8, channels, 3, 3]), f"w{index}", g.number(0.01), g.number(0, "int8")
        )
        y = g.pair(g.node("Conv", [y, w], f"conv{index}", pads=[1] * 4), f"q{index}", g.number(0.1), zero)
        if not index:
            factors = g.constant("scales", [1, 1, *SCALES[scales]], "float32")
            y = g.node("Resize", [y, "", factors], "r", mode="linear")
            y = g.pair(y, "rq", g.number(0.1), zero)
    g.y(y, rank=4)
    assert_same_bits(g, {"QConv": 2, "QFloatResize": 1})
