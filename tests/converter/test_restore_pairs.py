"""Moves that no island takes in stay in float32: in 8 bits not every provider has them."""

from collections import Counter
from collections.abc import Callable

import onnx
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork, normal

import check
import converter

Move = Callable[[QdqNetwork, str], str]

AROUND = [0, 0, 1, 1, 0, 0, 1, 1]


def pad(**attributes: str) -> Move:
    return lambda net, x: net.node("Pad", [x, net.constant("pads", AROUND, "int64")], "moved", **attributes)


def pad_of_channels(net: QdqNetwork, x: str) -> str:
    pads = net.constant("pads", [0, 1, 0, 0, 0, 1, 0, 0], "int64")
    return net.node("Pad", [x, pads, net.constant("fill", 0.0, "float32")], "moved")


def tile(net: QdqNetwork, x: str) -> str:
    return net.node("Tile", [x, net.constant("repeats", [1, 1, 2, 1], "int64")], "moved")


def space_to_depth(net: QdqNetwork, x: str) -> str:
    """Sizes that are not known until the model runs."""
    return net.node("SpaceToDepth", [x], "moved", blocksize=2)


MOVES: dict[str, Move] = {
    "reflect": pad(mode="reflect"),
    "edge": pad(mode="edge"),
    "pad_of_channels": pad_of_channels,
    "tile": tile,
    "space_to_depth": space_to_depth,
}


def network(move: Move, dtype: str, *, between: bool) -> onnx.ModelProto:
    """conv -> move -> Relu and conv; between: a pair stands behind the move already."""
    net = QdqNetwork(dtype)
    x = net.pair(net.conv(net.x(("n", 4, "h", "w"))), "c_q", RESULT_SCALE, 131)
    moved = move(net, x)
    if between:
        moved = net.pair(moved, "moved_q", RESULT_SCALE, 131)
    net.y(net.node("MaxPool", [moved], "p", kernel_shape=[2, 2]))
    return net.model()


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("name", MOVES)
def test_stays_in_float(name: str, dtype: str, between: bool) -> None:
    original = network(MOVES[name], dtype, between=between)
    conversion = converter.convert(original)
    assert conversion.report.converted["QConv"] == 1
    found = Counter(node.op_type for node in conversion.model.graph.node)
    (op_type,) = found.keys() & {"Pad", "Tile", "SpaceToDepth"}
    assert found[op_type] == 1
    (move,) = (node for node in conversion.model.graph.node if node.op_type == op_type)
    producers = {output: node for node in conversion.model.graph.node for output in node.output}
    assert producers[move.input[0]].op_type in ("DequantizeFromIsland", "DequantizeLinear")
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 11, 8)}])


def test_taken_into_an_island() -> None:
    """Padding with zeros before a convolution is part of it, and needs no pair."""
    net = QdqNetwork()
    padded = pad(mode="constant")(net, net.x())
    net.y(net.conv(net.pair(padded, "padded_q", 0.0471, 119)))
    original = net.model()
    conversion = converter.convert(original)
    assert not conversion.report.left, str(conversion.report)
    assert "Pad" not in {node.op_type for node in conversion.model.graph.node}
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 8)}])
