"""What ran on the GPU in the original, in float32, does not leave it for having become a move of 8 bits."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork, normal

import check
from qudnn import converter

Move = Callable[[QdqNetwork, str, str], str]


def pad(mode: str, *amounts: int, fill: bool = False) -> Move:
    def node(net: QdqNetwork, x: str, y: str) -> str:
        inputs = [x, net.constant(f"{y}_pads", amounts, "int64")]
        if fill:
            inputs.append(net.constant(f"{y}_fill", 0, "float32"))
        return net.node("Pad", inputs, y, mode=mode)

    return node


def tile(net: QdqNetwork, x: str, y: str) -> str:
    return net.node("Tile", [x, net.constant(f"{y}_repeats", [1, 1, 2, 1], "int64")], y)


# Pads of constant sizes are inside of islands, but for those of the batch, whose size is free.
MOVES: dict[str, Move] = {
    "reflect": pad("reflect", 1, 0, 0, 0, 0, 0, 0, 0),
    "reflect_with_fill": pad("reflect", 1, 0, 0, 0, 0, 0, 0, 0, fill=True),
    "edge": pad("edge", 1, 0, 0, 0, 0, 0, 0, 0),
    "wrap": pad("wrap", 1, 0, 0, 0, 1, 0, 0, 0),
    "batch": pad("constant", 1, 0, 0, 0, 0, 0, 0, 0, fill=True),
    "tile": tile,
    "two": lambda net, x, y: tile(net, pad("edge", 0, 0, 0, 0, 1, 0, 0, 0)(net, x, f"{y}_in"), y),
}


def wide(net: QdqNetwork, name: str) -> str:
    """The result of a convolution of x, quantized."""
    return net.pair(net.conv(net.x(), name), f"{name}_q", RESULT_SCALE, 131)


def convolve(net: QdqNetwork, x: str, y: str) -> str:
    return net.node("Conv", [x, net.weights(f"{y}_w", (4, 6, 3, 3))], y)


def assert_in_float(original: onnx.ModelProto, converted: onnx.ModelProto, *names: str) -> None:
    """These nodes work on float32, as they did; none that has no kernel on the GPU works on 8 bits."""
    check.assert_no_move_leaves_the_gpu(original, converted)
    types = check.types_of(converted)
    nodes = {node.name: node for node in converted.graph.node}
    for name in names:
        assert types[nodes[name].input[0]] == types[nodes[name].output[0]] == onnx.TensorProto.FLOAT


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("move", MOVES)
def test_between_convolutions(move: str, dtype: str) -> None:
    net = QdqNetwork(dtype)
    y = MOVES[move](net, wide(net, "c"), "moved")
    net.y(convolve(net, net.pair(y, "moved_q", RESULT_SCALE, 131), "d"))
    model = net.model(19)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 2}
    assert_in_float(model, conversion.model, "moved_node")
    assert not any(node.op_type.endswith("Linear") for node in conversion.model.graph.node)
    assert {"c_q", "moved"} <= {name for node in conversion.model.graph.node for name in node.input}
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_results_that_others_read() -> None:
    """In 8 bits as an output of the graph and in another operator, and in floating point."""
    net = QdqNetwork()
    y = MOVES["edge"](net, wide(net, "c"), "moved")
    z = net.pair(y, "moved_q", RESULT_SCALE, 131)
    net.output("moved_q/quantized", "uint8", ["m", 6, "h", "w"])
    net.y(convolve(net, z, "d"))
    net.output("exp", "float32", ["m", 6, "h", "w"])
    net.node("Exp", [z], "exp")
    model = net.model(19)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 2}
    assert_in_float(model, conversion.model, "moved_node")
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_inside_of_an_island_they_are_taken_in() -> None:
    net = QdqNetwork()
    y = net.node("DepthToSpace", [wide_of(net, 16)], "moved", blocksize=2)
    net.y(
        net.node("Conv", [net.pair(y, "moved_q", RESULT_SCALE, 131), net.weights("d_w", (5, 4, 1, 1))], "d")
    )
    model = net.model(19)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 2, "QDepthToSpace": 1}
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


@pytest.mark.parametrize("channels", [16, "c"])
@pytest.mark.parametrize("op_type", ["DepthToSpace", "SpaceToDepth"])
def test_beside_an_island(op_type: str, channels: int | str) -> None:
    """It is worth crossings, or works on float32 where it cannot enter: the number of channels is unknown."""
    net = QdqNetwork()
    x = net.pair(net.input("z", "float32", ["n", channels, 8, 6]), "z_q", RESULT_SCALE, 131)
    y = net.node(op_type, [x], "moved", blocksize=2)
    parameters = net.parameters("moved_q", RESULT_SCALE, 131, "uint8")
    net.node("QuantizeLinear", [y, *parameters], net.output("moved_q", "uint8", ["n", "k", "h", "w"]))
    net.y(net.conv(net.x()))
    model = net.model(19)
    conversion = converter.convert(model)
    taken_in = f"Q{op_type}" if op_type == "DepthToSpace" else "Transpose"
    assert (taken_in in conversion.report.converted) == (channels == 16)
    assert_in_float(model, conversion.model, *(["moved_node"] if channels != 16 else []))
    inputs = {"x": normal(2, 4, 9, 8), "z": normal(2, 16, 8, 6)}
    check.assert_equivalent(model, conversion.model, [inputs])


def wide_of(net: QdqNetwork, channels: int) -> str:
    inputs = [net.x(), net.weights("c_w", (channels, 4, 3, 3))]
    return net.pair(net.node("Conv", inputs, "c"), "c_q", RESULT_SCALE, 131)


def test_what_was_on_8_bits_stays_there() -> None:
    """The format QOperator: the model's own Pad of uint8 runs on the CPU before and after."""
    net = QdqNetwork()
    q = net.parameters("q", RESULT_SCALE, 131, "uint8")
    w = [net.constant("w", np.ones((6, 4, 1, 1)), "int8"), *net.parameters("w_q", 0.02, 0, "int8")]
    x = net.node("QLinearConv", [net.input("x", "uint8", ["n", 4, 9, 8]), *q, *w, *q], "c")
    y = MOVES["edge"](net, x, "moved")
    net.node("QLinearConv", [y, *q, net.constant("v", np.ones((3, 6, 1, 1)), "int8"), *w[1:], *q], "y")
    net.output("y", "uint8", ["n", 3, "h", "w"])
    model = net.model(19)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 2}
    (node,) = [node for node in conversion.model.graph.node if node.op_type == "Pad"]
    assert check.types_of(conversion.model)[node.input[0]] == onnx.TensorProto.UINT8
    x_values = np.random.default_rng(0).integers(0, 255, (2, 4, 9, 8), np.uint8, endpoint=True)
    check.assert_equivalent(model, conversion.model, [{"x": x_values}])


def test_the_check_finds_what_left() -> None:
    net = QdqNetwork()
    net.output(MOVES["edge"](net, wide(net, "c"), "moved"), "float32", ["n", 6, "h", "w"])
    model = net.model(19)
    left = onnx.ModelProto.FromString(model.SerializeToString())
    (node,) = [node for node in left.graph.node if node.name == "moved_node"]
    node.input[0] = "c_q/quantized"
    left.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    with pytest.raises(AssertionError, match="moved_node"):
        check.assert_no_move_leaves_the_gpu(model, left)
