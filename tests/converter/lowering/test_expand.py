"""Expand and Tile of single elements: inside, where the channels stay as they are."""

from collections import Counter

import pytest
from operators import DTYPES, Operators, assert_inside, assert_left
from qdq_networks import QdqNetwork, assert_converts

import check
from qudnn import converter


def pooled(net: Operators, x: str) -> str:
    return net.contrib(
        "QLinearGlobalAveragePool", [x, *net.quantization("qx"), *net.quantization("qm")], "mean"
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("op_type", "numbers"),
    [("Expand", [1, 20, 3, 4]), ("Expand", [3, 4]), ("Expand", [1, 1, 3, 1]), ("Tile", [1, 1, 3, 4])],
    ids=str,
)
def test_a_pixel_becomes_an_image(op_type: str, numbers: list[int], dtype: str) -> None:
    net = Operators(dtype)
    x = pooled(net, net.conv(net.eight_bit("x", ["n", 5, 6, 7]), "c", 5, 20))
    x = net.node(op_type, [x, net.constant("numbers", numbers, "int64")], "e")
    net.conv(x, net.result("y", 4), 20, 9)
    ops = {"QConv": 2, "QGlobalAveragePool": 1, "Expand": 1}
    assert_inside(net, ops, {"x": net.random(2, 5, 6, 7)}, {"x": net.random(1, 5, 6, 7)})


def test_sizes_that_are_computed() -> None:
    """Those of another tensor, as in pyramids of pools."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, "h", "w"]), "c", 5, 20)
    sizes = net.node("Shape", [x], "sizes")
    y = net.node("Expand", [pooled(net, x), sizes], "e")
    net.conv(y, net.result("y", 4), 20, 9)
    ops = {"QConv": 2, "QGlobalAveragePool": 1, "Expand": 1}
    assert_inside(net, ops, {"x": net.random(2, 5, 6, 7)}, {"x": net.random(1, 5, 3, 2)})


def test_axes_in_front() -> None:
    net = Operators("uint8")
    x = net.matmul(net.eight_bit("x", ["n", 20]), "m", 20, 24)
    x = net.node("Expand", [x, net.constant("numbers", [3, 1, 24], "int64")], "e")
    net.matmul(x, net.result("y", 3), 24, 9)
    assert_inside(net, {"QMatMul": 2, "Expand": 1}, {"x": net.random(2, 20)}, {"x": net.random(5, 20)})


@pytest.mark.parametrize("scale", [0.0117, 0.0209])
def test_between_pairs(scale: float) -> None:
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.0237, 107)
    x = net.pair(net.node("GlobalAveragePool", [x], "mean"), "mean_q", 0.0117, 61)
    x = net.pair(net.node("Expand", [x, net.constant("to", [1, 6, 9, 8], "int64")], "e"), "e_q", scale, 61)
    net.y(net.node("Conv", [x, net.weights("last", (5, 6, 1, 1), 0)], "last_c"))
    ops = {"QConv": 2, "QGlobalAveragePool": 1, "Expand": 1, **({} if scale == 0.0117 else {"QTable": 1})}
    assert_converts(net.model(), ops)


@pytest.mark.parametrize(
    ("op_type", "numbers", "reason"),
    [
        ("Tile", [1, 1, 2, 1], "it repeats several elements, not a single one"),
        ("Tile", [1, 2, 1, 1], "it repeats several elements, not a single one"),
    ],
)
def test_others_leave(op_type: str, numbers: list[int], reason: str) -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 3, 4]), "c", 5, 20)
    net.node(op_type, [x, net.constant("numbers", numbers, "int64")], net.result("y", 4))
    assert_left(net, op_type, reason, {"x": net.random(2, 5, 3, 4)})


def test_channels_that_are_repeated_leave() -> None:
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 3, 4]), "c", 5, 1)
    net.node("Expand", [x, net.constant("numbers", [1, 8, 1, 1], "int64")], net.result("y", 4))
    assert_left(net, "Expand", "it repeats channels", {"x": net.random(2, 5, 3, 4)})


def test_constants_have_their_channels_last() -> None:
    """Anchors, as SSD has them: once for each image, and joined in rows."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 5, 6, 7]), net.result("c", 4), 5, 20)
    first = [net.constant(name, [number], "int64") for name, number in (("start", 0), ("end", 1))]
    batch = net.node("Slice", [net.node("Shape", [x], "sizes"), *first], "batch")
    repeats = net.node("Concat", [batch, net.constant("once", [1, 1, 1], "int64")], "repeats", axis=0)
    parts = []
    for name, rows in ("fine", 8), ("coarse", 3):
        tiled = net.node("Tile", [net.constant(name, net.random(1, rows, 2, 4)), repeats], f"{name}_t")
        target = net.constant(f"{name}_rows", [-1, 2 * rows, 4], "int64")
        parts.append(net.node("Reshape", [tiled, target], f"{name}_r"))
    net.node("Concat", parts, net.result("anchors", 3), axis=1)
    model = net.model(13)
    conversion = converter.convert(model)
    assert not conversion.report.left, str(conversion.report)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert (found["Expand"], found["Tile"]) == (2, 0)
    feeds = [{"x": net.random(n, 5, 6, 7)} for n in (2, 1)]
    check.assert_equivalent(model, conversion.model, feeds)
