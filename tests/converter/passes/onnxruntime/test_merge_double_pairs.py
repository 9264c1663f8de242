"""Two Q/DQ pairs in a row: onnxruntime makes one of them where all four zero points are given."""

from itertools import product

import pytest
from same_bits import Graph, assert_same_bits

GIVEN = [(dtype, *given) for dtype in ("uint8", "int8") for given in product((True, False), repeat=4)]


@pytest.mark.parametrize(
    ("dtype", "q1", "dq1", "q2", "dq2"), [g for g in GIVEN if g[0] == "uint8" or (g[1] and g[3])]
)
@pytest.mark.parametrize("consumers", ["one", "two", "two of their own", "a graph output"])
def test_zero_points_left_out(dtype: str, q1: bool, dq1: bool, q2: bool, dq2: bool, consumers: str) -> None:
    """A zero point that is left out of one node of a pair is 0 in the other."""
    g = Graph()
    lowest = -128 if dtype == "int8" else 0
    last = g.number(1 / 256), g.number(lowest, dtype)
    first, second = (
        (g.number(scale), g.number(lowest + zero_point if all(given) else 0, dtype))
        for scale, zero_point, given in ((0.0371, 131, (q1, dq1)), (0.05, 120, (q2, dq2)))
    )
    y = g.x("x", "float32", [5, 64])
    for name, pair, given in (("a", first, (q1, dq1)), ("b", second, (q2, dq2))):
        quantized = g.quantize(y, f"{name}_q", *pair[: 1 + given[0]])
        y = g.dequantize(quantized, name, *pair[: 1 + given[1]])
    other = y
    if consumers == "two of their own":
        other = g.dequantize("b_q", "b_2", *second[: 1 + dq2])
    tables = [g.pair(g.node("Sigmoid", [y], "sigmoid"), "y", *last)]
    if consumers.startswith("two"):
        tables.append(g.pair(g.node("Tanh", [other], "tanh"), "y_2", *last))
    if consumers == "a graph output":
        g.y(y)
    for table in tables:
        g.y(table)
    merged = q1 and dq1 and q2 and dq2
    from_first_pair = len(tables) if consumers == "one" or merged else len(tables) + 1
    assert_same_bits(g, {"QTable": from_first_pair})


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("first_is_negative", [True, False])
def test_ranges_that_meet_in_zero(dtype: str, first_is_negative: bool) -> None:
    """onnxruntime merges them to a scale of 0: negative numbers become -0, as in the original."""
    g = Graph()
    lowest, highest = (-128, 127) if dtype == "int8" else (0, 255)
    zero_points = (highest, lowest) if first_is_negative else (lowest, highest)
    x = g.pair(g.x("x", "float32", [1, 4, 6, 6]), "x_pair", g.number(0.0371), g.number(lowest + 100, dtype))
    y = g.node("DepthToSpace", [x], "moved", blocksize=2)
    for name, scale, zero_point in zip("ab", (0.0371, 0.05), zero_points, strict=True):
        y = g.pair(y, name, g.number(scale), g.number(zero_point, dtype))
    g.y(y, rank=4)
    assert_same_bits(
        g,
        {"QDepthToSpace": 1, "QTable": 0},
        {"QuantizeLinear": "its output scale must be positive and finite"},
    )


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("negative", [0, 1])
def test_negative_scale(dtype: str, negative: int) -> None:
    """onnxruntime merges such pairs too; what is left then is what it would make of them."""
    g = Graph()
    lowest = -128 if dtype == "int8" else 0
    x = g.pair(g.x("x", "float32", [1, 4, 6, 6]), "x_pair", g.number(0.0371), g.number(lowest + 100, dtype))
    y = g.node("DepthToSpace", [x], "moved", blocksize=2)
    for place, (name, scale) in enumerate({"a": 0.0371, "b": 0.05}.items()):
        scale = -scale if place == negative else scale
        y = g.pair(y, name, g.number(scale, shape=[1]), g.number(lowest + 43, dtype))
    g.y(y, rank=4)
    g.y(g.pair(g.node("Sigmoid", [x], "sigmoid"), "s", g.number(1 / 256), g.number(lowest, dtype)), rank=4)
    assert_same_bits(g, {"QTable": 1}, {"QuantizeLinear": "its output scale must be positive and finite"})


@pytest.mark.parametrize("place", ["a", "b"])
def test_identity_inside_a_pair(place: str) -> None:
    """onnxruntime drops it before it looks for pairs."""
    g = Graph()
    y = g.x("x", "float32", [5, 64])
    for name, scale, zero_point in (("a", 0.0371, 131), ("b", 0.05, 20)):
        parameters = g.number(scale), g.number(zero_point, "uint8")
        y = g.quantize(y, f"{name}_q", *parameters)
        if name == place:
            y = g.node("Identity", [y], "same")
        y = g.dequantize(y, name, *parameters)
    g.y(g.pair(g.node("Sigmoid", [y], "sigmoid"), "y", g.number(1 / 256), g.number(0, "uint8")))
    assert_same_bits(g, {"QTable": 1})
