"""ArgMax and ArgMin, of dequantized and of 8-bit values: an exit that tells places; TopK after one exit."""

from typing import Any

import pytest
from operators import DTYPES, Operators
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter

OPS = {"QConv": 1, "ArgMaxFromIsland": 1}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", ["ArgMax", "ArgMin"])
@pytest.mark.parametrize(
    ("attributes", "islands"),
    [
        ({"axis": 1}, 1),
        ({"axis": -3, "keepdims": 0}, 1),
        ({"axis": 1, "select_last_index": 1}, 1),
        ({"axis": 3}, 2),
    ],
)
def test_of_dequantized_values(op_type: str, attributes: dict[str, Any], islands: int, dtype: str) -> None:
    """Few values, of which many are equal."""
    net = QdqNetwork(dtype)
    x = net.pair(net.conv(net.x()), "c_q", 1.5, 131)
    rank = 4 if attributes.get("keepdims", 1) else 3
    net.output(net.node(op_type, [x], "p", **attributes), "int64", [f"p{axis}" for axis in range(rank)])
    original = net.model()
    conversion = converter.convert(original)
    assert not conversion.report.left and not conversion.report.approximate
    assert conversion.report.converted == OPS
    assert (conversion.report.islands, conversion.report.exits) == (islands, islands - 1)
    check.assert_equivalent(original, conversion.model, [{"x": normal(n, 4, 9, 8)} for n in (2, 1)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keepdims", [0, 1])
def test_of_8_bit_values(keepdims: int, dtype: str) -> None:
    net = Operators(dtype)
    x = net.conv(net.eight_bit("x", ["n", 3, 9, 12]), "c", 3, 21)
    y = net.node("ArgMax", [x], "p", axis=1, keepdims=keepdims)
    net.output(y, "int64", [f"p{axis}" for axis in range(3 + keepdims)])
    original = net.model(13)
    conversion = converter.convert(original)
    assert conversion.report.converted == OPS
    check.assert_equivalent(original, conversion.model, [{"x": net.random(2, 3, 9, 12)}])


def test_the_greatest_leave_once() -> None:
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", 0.2, 131)
    net.node("TopK", [x, net.constant("k", [3], "int64")], "v", axis=1)
    net.nodes[-1].output.append("i")
    for name, dtype in ("v", "float32"), ("i", "int64"):
        net.output(name, dtype, [f"{name}{axis}" for axis in range(4)])
    original = net.model()
    conversion = converter.convert(original)
    assert conversion.report.exits == 1
    assert [n.op_type for n in conversion.model.graph.node][-2:] == ["DequantizeFromIsland", "TopK"]
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 8)}])
