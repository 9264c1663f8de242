"""QLinearAdd and QLinearMul with every broadcast, over all pairs of values."""

from collections.abc import Sequence

import numpy as np
import pytest
from operators import DTYPES, Operators, Parameters, assert_inside, assert_left

from cases.builder import Array
from qudnn.converter.graph.sizes import unknown
from qudnn.converter.lowering.elementwise.binary import first_is_scalar

KINDS = {"QLinearAdd": "QAdd", "QLinearMul": "QMul"}
SHAPES = [  # of a and b, the sizes of all that both have 256: a's values along some, b's along others
    ((1, 256, 1, 1), (1, 256, 16, 16)),
    ((1, 256, 16, 16), (1, 256, 1, 1)),
    ((1, 256, 1, 1), (1, 1, 16, 16)),
    ((1, 1, 16, 16), (1, 256, 1, 1)),
    ((256, 1, 1, 16), (256, 256, 1, 1)),
    ((1, 256, 16, 1), (1, 256, 1, 16)),
]


def values(net: Operators, a_shape: Sequence[int], b_shape: Sequence[int]) -> tuple[Array, Array]:
    """Random values, all 256 of them where there is room."""
    a, b = net.random(*a_shape), net.random(*b_shape)
    for array in (a, b):
        array.flat[: min(256, array.size)] = (
            np.arange(min(256, array.size)).astype(np.uint8).view(array.dtype)
        )
    return a, b


def pair(net: Operators, kind: str, a: str, b: str, rank: int = 4) -> None:
    inputs = [a, *net.quantization("qa"), b, *net.quantization("qb"), *net.quantization("qy", 0.1)]
    net.contrib(kind, inputs, net.result("y", rank))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_all_pairs(kind: str, dtype: str, seed: int) -> None:
    net = Operators(dtype, seed)
    pair(net, kind, net.eight_bit("a", ["n", 64, 32, 32]), net.eight_bit("b", ["n", 64, 32, 32]))
    a, b = (x.reshape(1, 64, 32, 32) for x in net.all_pairs())
    assert_inside(
        net,
        {KINDS[kind]: 1},
        {"a": a, "b": b},
        {"a": net.random(2, 64, 32, 32), "b": net.random(2, 64, 32, 32)},
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_broadcast(kind: str, a_shape: Sequence[int], b_shape: Sequence[int], dtype: str, seed: int) -> None:
    net = Operators(dtype, seed)
    pair(net, kind, net.eight_bit("a", a_shape), net.eight_bit("b", b_shape))
    a, b = values(net, a_shape, b_shape)
    ops = {KINDS[kind]: 1}
    one, many = sorted([a_shape[1], b_shape[1]])
    if one < many:
        ops["Gather"] = 1  # of one channel, as many as the other tensor has
    assert_inside(net, ops, {"a": a, "b": b})


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("shape", [(), (1,), (20, 1, 1), (1, 20, 1, 1), (1, 1, 5, 7), (7,), (1, 20, 5, 7)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_constant(kind: str, dtype: str, shape: Sequence[int], first: bool) -> None:
    for seed in range(3):
        net = Operators(dtype, seed)
        x = net.eight_bit("x", ["n", 20, 5, 7])
        c = net.constant("c", net.random(*shape))
        a, b = (c, x) if first else (x, c)
        pair(net, kind, a, b)
        assert_inside(net, {KINDS[kind]: 1}, {"x": net.random(3, 20, 5, 7)}, {"x": net.random(1, 20, 5, 7)})


@pytest.mark.parametrize("dtype", DTYPES)
def test_squeeze_and_excite_stays_inside(dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    mean = net.contrib(
        "QLinearGlobalAveragePool", [x, *net.quantization("qx"), *net.quantization("qm")], "mean"
    )
    gate = net.contrib(
        "QLinearSigmoid",
        [
            net.conv(net.conv(mean, "s", 20, 5), "e", 5, 20),
            *net.quantization("qe"),
            *net.quantization("qg", 0.004),
        ],
        "gate",
    )
    pair(net, "QLinearMul", x, gate)
    report = assert_inside(
        net,
        {"QConv": 1, "QSqueezeExcitation": 1},
        {"x": net.random(2, 3, 6, 5)},
        {"x": net.random(1, 3, 9, 9)},
    )
    assert (report.entries, report.exits) == (1, 1)


def test_unknown_sizes_that_decide_about_the_order() -> None:
    net = Operators("uint8")
    pair(net, "QLinearAdd", net.eight_bit("a", ["n", 16, 1, 1]), net.eight_bit("b", ["n", 16, "h", "w"]))
    inputs = {"a": net.random(1, 16, 1, 1), "b": net.random(1, 16, 4, 4)}
    assert_left(net, "QLinearAdd", "depends on unknown sizes", inputs)


def test_first_is_scalar() -> None:
    n, h, w = (unknown(name) for name in "nhw")
    assert not first_is_scalar((n, 8, h, w), (n, 8, h, w))
    assert first_is_scalar((8, 1, 1), (n, 8, 4, 4))
    assert first_is_scalar((), (n, 8, h, w))
    assert not first_is_scalar((n, 8, 4, w), (1, 8, 1, 1))
    assert not first_is_scalar((n, 8), (8,))
    assert first_is_scalar((n, 8, h, w), (1,)) is None  # where w is 1, the second is no scalar beside it


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("a", "b", "of_y", "converts"),
    [((0.5, 119), (0.5, 215), (1, 131), True), ((0.065, 183), (0.041, 215), (0.042, 133), False)],
)
def test_a_number_may_be_added_in_any_order(
    a: Parameters, b: Parameters, of_y: Parameters, converts: bool, reverse: bool
) -> None:
    """Where no sum is another one in the other order: with powers of two, for one. First, it is swapped."""
    net = Operators("uint8")
    x = net.conv(net.eight_bit("x", ["n", 3, "h", "w"]), "c", 3, 20)
    number = net.constant("number", np.array([147]), "uint8")
    operands = [[x, *net.parameters("qa", *a, "uint8")], [number, *net.parameters("qb", *b, "uint8")]]
    if reverse:
        operands.reverse()
    net.contrib(
        "QLinearAdd", [*operands[0], *operands[1], *net.parameters("qy", *of_y, "uint8")], net.result("y", 4)
    )
    images = [{"x": net.random(2, 3, *size)} for size in ((4, 5), (1, 1))]
    if converts or reverse:
        assert_inside(net, {"QConv": 1, "QAdd": 1}, *images)
    else:
        assert_left(net, "QLinearAdd", "depends on unknown sizes", images[0])
