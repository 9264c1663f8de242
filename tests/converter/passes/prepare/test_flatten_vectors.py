"""Axes and scales that are not vectors, of which onnxruntime only counts the elements, or drops the node."""

import numpy as np
from same_bits import Graph, assert_same_bits


def _conv(g: Graph, x: str, channels: int = 3) -> str:
    weights = g.random("int8", [4, channels, 3, 3])
    weights = g.dequantize(weights, f"{x}_w", g.number(0.0113), g.number(0, "int8"))
    y = g.node("Conv", [x, weights], f"{x}_conv", pads=[1] * 4)
    return g.pair(y, f"{x}_conv_pair", g.number(0.31), g.number(117, "uint8"))


def _x(g: Graph) -> str:
    x = g.x("x", "float32", [2, 3, 6, 6], ["n", 3, 6, 6])
    return g.pair(x, "x_pair", g.number(0.0471), g.number(117, "uint8"))


def test_axes_of_unsqueeze() -> None:
    """onnxruntime fuses the original's nodes before the Reshape; of the converted model it runs them."""
    g = Graph()
    y = _conv(g, _x(g))
    batch = g.node("Gather", [g.node("Shape", [y], "sizes"), g.number(0, "int64")], "batch")
    batches = g.node("Unsqueeze", [batch, g.number(0, "int64", [1, 1, 1])], "batches")
    target = g.node("Concat", [batches, g.constant("rest", np.array([4, -1], np.int64))], "target", axis=0)
    y = g.node("Transpose", [g.node("Reshape", [y, target], "rows")], "turned", perm=[0, 2, 1])
    y = g.pair(y, "turned_pair", g.number(0.31), g.number(117, "uint8"))
    y = g.node("Softmax", [y], "softmax", axis=-1)
    g.y(g.pair(y, "y", g.number(1 / 256), g.number(0, "uint8")), rank=3)
    assert_same_bits(g, {"QConv": 1, "QSoftmax": 1})


def test_scales_of_resize() -> None:
    """onnxruntime moves Transposes past a Resize that stays: then it gathers them along the first axis."""
    g = Graph()
    parameters = [g.number(0.0412), g.number(117, "uint8"), g.number(0.0228), g.number(58, "uint8")]
    x = g.x("x", "uint8", [2, 38, 6, 6])
    x = g.node("QLinearLeakyRelu", [x, *parameters], "leaky", "com.microsoft", alpha=0.1)
    scales = g.constant("scales", np.array([[1, 1, 2, 2]], np.float32))
    y = g.node("Resize", [x, "", scales], "resize")
    g.y(x, "uint8", rank=4)
    g.y(g.node("SpaceToDepth", [y], "y", blocksize=2), "uint8", rank=4)
    model = assert_same_bits(g, {"QTable": 1, "ConvertToIsland": 1, "ConvertFromIsland": 2})
    assert all(node.op_type != "SpaceToDepth" for node in model.graph.node)
