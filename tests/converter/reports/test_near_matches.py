"""Passes before partition say why they leave what nearly matches; of what they rewrite they say nothing."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from same_bits import Graph

from cases.builder import value_info
from qudnn import converter

Build = Callable[[Graph, bool], None]  # the graph, and whether the pass has a reason to leave the node
CASES: list[tuple[str, str, str, Build]] = []


def case(step: str, node: str, reason: str) -> Callable[[Build], Build]:
    def add(build: Build) -> Build:
        CASES.append((step, node, reason, build))
        return build

    return add


def parameters(g: Graph, scale: float = 0.02, dtype: str = "uint8", zero_point: int = 3) -> tuple[str, str]:
    return g.number(scale), g.number(zero_point, dtype)


def image(g: Graph, name: str = "x") -> str:
    return g.x(name, "float32", (2, 8, 4, 4), ("n", 8, 4, 4))


def convolution(g: Graph, x: str, y: str) -> str:
    w = g.constant(f"{y}_w", g.values("int8", (8, 8, 1, 1)) // 2, "int8")
    return g.node("Conv", [x, g.dequantize(w, f"{y}_dw", g.number(0.01), g.number(0, "int8"))], y)


@case("InlineIfs", "if_node", "the outputs of its branch are not results of the branch's own, each another")
def _(g: Graph, spoiled: bool) -> None:
    def branch(name: str, op_type: str) -> onnx.GraphProto:
        results = [f"{name}_a", f"{name}_b"]
        nodes = [helper.make_node(op_type, ["x"], [result]) for result in results]
        outputs = [results[0]] * 2 if spoiled else results
        return helper.make_graph(nodes, name, [], [value_info(y, "float32", ["n", 8, 4, 4]) for y in outputs])

    image(g)
    branches = {"then_branch": branch("then", "Relu"), "else_branch": branch("else", "Abs")}
    which = g.constant("which", True)
    g.nodes.append(helper.make_node("If", [which], ["a", "b"], name="if_node", **branches))
    g.y(g.pair(g.node("Add", ["a", "b"], "sum"), "y", *parameters(g)), rank=4)


@case("DropIdentities", "same_node", "its result is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    same = g.node("Identity", [g.pair(image(g), "d", *parameters(g))], "same")
    g.y(convolution(g, same, "y"), rank=4)
    if spoiled:
        g.y(same, rank=4)


@case("DropIdentities", "dropped_node", "its training_mode is given, so it may drop values")
def _(g: Graph, spoiled: bool) -> None:
    mode = [g.constant("ratio", 0.5, "float32"), g.constant("training", False)]
    x = g.pair(image(g), "d", *parameters(g))
    g.y(convolution(g, g.node("Dropout", [x, *(mode if spoiled else [])], "dropped"), "y"), rank=4)


@case("DropIdentities", "dropout", "its mask is used")
def _(g: Graph, spoiled: bool) -> None:
    x = g.pair(image(g), "d", *parameters(g))
    g.nodes.append(helper.make_node("Dropout", [x], ["dropped", "mask"], name="dropout"))
    g.y(convolution(g, "dropped", "y"), rank=4)
    if spoiled:
        g.y("mask", "bool", 4)


@case("FoldConstants", "q_node", "its result is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    q = g.quantize(g.random("float32", (4, 4)), "q", *parameters(g))
    x = g.dequantize(g.quantize(g.x("x", "float32", (3, 4)), "xq", *parameters(g)), "dx", *parameters(g))
    g.y(g.node("MatMul", [x, g.dequantize(q, "w", *parameters(g))], "y"))
    if spoiled:
        g.y(q, "uint8")


@case("FoldConstants", "outer_node", "its result would be longer than what it is made of")
def _(g: Graph, spoiled: bool) -> None:
    rows = g.random("float32", (64, 1) if spoiled else (8, 1))
    outer = g.node("Mul", [rows, g.random("float32", (1, 64))], "outer")
    x = g.pair(g.x("x", "float32", (64, 64) if spoiled else (8, 64)), "d", *parameters(g))
    g.y(g.pair(g.node("Add", [x, outer], "sum"), "y", *parameters(g)))


@case("PairActivations", "relu_node", "a pool is not the sole consumer of its result")
def _(g: Graph, spoiled: bool) -> None:
    relu = g.node("Relu", [g.pair(image(g), "d", *parameters(g))], "relu")
    pool = g.node("MaxPool", [relu], "pool", kernel_shape=[2, 2])
    g.y(g.pair(pool, "y", *parameters(g, 0.03)), rank=4)
    if spoiled:
        g.y(g.node("Neg", [relu], "z"), rank=4)


@case("ChannelScales", "d_q_node", "something other than a depthwise convolution consumes its channels")
def _(g: Graph, spoiled: bool) -> None:
    scale, zero_point = g.constant("s", np.linspace(0.01, 0.02, 8), "float32"), g.number(0, "int8", (8,))
    x = g.pair(image(g), "d", scale, zero_point)
    w = g.constant("w", g.values("int8", (8, 1, 1, 1)), "int8")
    filters = g.dequantize(w, "dw", g.number(0.01), g.number(0, "int8"))
    y = g.node("Relu", [x], "c") if spoiled else g.node("Conv", [x, filters], "c", group=8)
    g.y(g.pair(y, "y", *parameters(g)), rank=4)


@case("WidenFloat16", "q_node", "its scale, in float16, must be constant")
def _(g: Graph, spoiled: bool) -> None:
    g.feeds["x"] = np.ones((3, 4), np.float16)
    x = g.input("x", "float16", ["n", 4])
    scale = g.input("s", "float16", []) if spoiled else g.number(0.02, "float16")
    zero_point = g.number(3, "uint8")
    g.y(
        g.dequantize(g.quantize(x, "q", scale, zero_point), "y", g.number(0.02, "float16"), zero_point),
        "float16",
    )


@case("MergeDoublePairs", "a_q_node", "the second pair's 8-bit tensor is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    g.pair(g.pair(image(g), "a", *parameters(g)), "b", *parameters(g, 0.03))
    g.y(convolution(g, "b", "y"), rank=4)
    if spoiled:
        g.y("b_q", "uint8", 4)


@case(
    "MergeDoublePairs",
    "a_q_node",
    "something other than DequantizeLinear consumes the second pair's 8-bit tensor",
)
def _(g: Graph, spoiled: bool) -> None:
    g.pair(g.pair(image(g), "a", *parameters(g)), "b", *parameters(g, 0.03))
    g.y(convolution(g, "b", "y"), rank=4)
    if spoiled:
        g.y(g.node("Cast", ["b_q"], "z", to=TensorProto.INT32), "int32", 4)


@case(
    "MergeDoublePairs", "a_q_node", "a zero point of the pairs is left out, and then onnxruntime merges none"
)
def _(g: Graph, spoiled: bool) -> None:
    first = g.number(0.02), *([] if spoiled else [g.number(0, "uint8")])
    b = g.pair(g.pair(image(g), "a", *first), "b", *parameters(g, 0.03))
    g.y(convolution(g, b, "y"), rank=4)


@case("MergeDoublePairs", "a_q_node", "one of the pairs dequantizes otherwise than it quantizes")
def _(g: Graph, spoiled: bool) -> None:
    q = g.quantize(image(g), "a_q", *parameters(g))
    a = g.dequantize(q, "a", *parameters(g, 0.05 if spoiled else 0.02))
    g.y(convolution(g, g.pair(a, "b", *parameters(g, 0.03)), "y"), rank=4)


@case("MergeDoublePairs", "a_q_node", "the pairs have different types, or no range in common")
def _(g: Graph, spoiled: bool) -> None:
    b = g.pair(
        g.pair(image(g), "a", *parameters(g)), "b", *parameters(g, 0.03, "int8" if spoiled else "uint8")
    )
    g.y(convolution(g, b, "y"), rank=4)


@case("MergeEqualQuantizers", "b_node", "its result and a, which equals it, are outputs of the graph")
def _(g: Graph, spoiled: bool) -> None:
    x, given = image(g), parameters(g)
    for name in ("a", "b"):
        q = g.quantize(x, name, *given)
        g.y(convolution(g, g.dequantize(q, f"d{name}", *given), f"y{name}"), rank=4)
        if spoiled or name == "a":
            g.y(q, "uint8", 4)


@case("MergeEqualPairs", "b_node", "its result is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    x = image(g)
    for name in ("a", "b"):
        own = parameters(g)
        q = g.quantize(x, name, *own)
        g.y(convolution(g, g.dequantize(q, f"d{name}", *own), f"y{name}"), rank=4)
    if spoiled:
        g.y("b", "uint8", 4)


@case("CancelTransposes", "t_node", "the Transpose after it is not its inverse")
def _(g: Graph, spoiled: bool) -> None:
    t = g.pair(g.node("Transpose", [image(g)], "t", perm=[0, 2, 3, 1]), "d", *parameters(g))
    back = g.node("Transpose", [t], "back", perm=[0, 1, 3, 2] if spoiled else [0, 3, 1, 2])
    g.y(g.node("Tanh", [back], "y"), rank=4)


@case("CancelTransposes", "t_node", "the Transpose after it has no perm")
def _(g: Graph, spoiled: bool) -> None:
    t = g.pair(g.node("Transpose", [image(g)], "t", perm=[3, 2, 1, 0]), "d", *parameters(g))
    if spoiled:
        back = g.node("Transpose", [t], "back")
    else:
        back = g.node("Transpose", [t], "back", perm=[3, 2, 1, 0])
    g.y(g.node("Tanh", [back], "y"), rank=4)


@case("CancelTransposes", "t_node", "without it an input or another output of the graph would be an output")
def _(g: Graph, spoiled: bool) -> None:
    t = g.node("Transpose", [image(g)], "t", perm=[0, 2, 3, 1])
    back = g.node("Transpose", [t], "back", perm=[0, 3, 1, 2])
    g.y(back if spoiled else g.pair(back, "y", *parameters(g)), rank=4)


@case("PropagatePairs", "q_node", "its output is not quantized per tensor")
def _(g: Graph, spoiled: bool) -> None:
    y = convolution(g, g.pair(image(g), "d", *parameters(g)), "c")
    moved = g.node("Transpose", [y], "moved", perm=[0, 1, 3, 2])
    shape = [8] if spoiled else []
    scale, zero_point = g.constant("s", np.full(shape, 0.05), "float32"), g.number(0, "uint8", shape)
    g.y(g.dequantize(g.quantize(moved, "q", scale, zero_point), "y", scale, zero_point), rank=4)


@case("PropagatePairs", "moved_node", "its result is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    moved = g.node("Transpose", [g.pair(image(g), "d", *parameters(g))], "moved", perm=[0, 1, 3, 2])
    g.y(convolution(g, moved, "y"), rank=4)
    if spoiled:
        g.y(moved, rank=4)


@case("PropagatePairs", "moved_node", "the DequantizeLinear before it has no zero point")
def _(g: Graph, spoiled: bool) -> None:
    given = g.number(0.02), *([] if spoiled else [g.number(0, "uint8")])
    moved = g.node("Transpose", [g.pair(image(g), "d", *given)], "moved", perm=[0, 1, 3, 2])
    g.y(convolution(g, moved, "y"), rank=4)


@case("PropagatePairs", "some_node", "its result is not quantized by all that consume it")
def _(g: Graph, spoiled: bool) -> None:
    d = g.pair(image(g), "d", *parameters(g))
    some = g.node("Gather", [d, g.constant("i", [1, 0], "int64")], "some", axis=1)
    g.y(g.pair(some, "y", *parameters(g, 0.03)), rank=4)
    if spoiled:
        g.y(g.node("Tanh", [some], "z"), rank=4)


@case("Int8ToUint8", "d_q_node", "its result is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    g.y(convolution(g, g.pair(image(g), "d", *parameters(g, dtype="int8")), "y"), rank=4)
    if spoiled:
        g.y("d_q", "int8", 4)


@case("Int8ToUint8", "d_q_node", "something other than DequantizeLinear consumes its result")
def _(g: Graph, spoiled: bool) -> None:
    g.y(convolution(g, g.pair(image(g), "d", *parameters(g, dtype="int8")), "y"), rank=4)
    if spoiled:
        g.y(g.node("Cast", ["d_q"], "z", to=TensorProto.INT32), "int32", 4)


@case("DropPairs", "pool_node", "the tensors around it are quantized with different scales or zero points")
def _(g: Graph, spoiled: bool) -> None:
    x = g.pair(image(g), "d", g.number(0.02))  # no zero point, so PropagatePairs leaves the pool to DropPairs
    pool = g.node("MaxPool", [x], "pool", kernel_shape=[2, 2])
    g.y(g.pair(pool, "y", g.number(0.03 if spoiled else 0.02)), rank=4)


@case("DropPairs", "again_node", "its result is an output of the graph")
def _(g: Graph, spoiled: bool) -> None:
    given = parameters(g)
    d = g.pair(image(g), "d", *given)
    again = g.quantize(d, "again", *given)
    g.y(g.node("Tanh", [g.dequantize(again, "e", *given)], "y"), rank=4)
    g.y(g.node("Neg", [d], "z"), rank=4)
    if spoiled:
        g.y(again, "uint8", 4)


@pytest.mark.parametrize(
    ("step", "node", "reason", "build"), CASES, ids=[f"{each[0]}-{n}" for n, each in enumerate(CASES)]
)
def test_a_near_match_has_its_reason(step: str, node: str, reason: str, build: Build) -> None:
    told = {}
    for spoiled in True, False:
        g = Graph()
        build(g, spoiled)
        declined = converter.convert(g.model(17), explain=True).report.declined
        told[spoiled] = [(each.name, each.reason) for each in declined if each.step == step]
    assert told == {True: [(node, reason)], False: []}


def test_a_type_said_twice() -> None:
    """DequantizeLinear's output_dtype is of opset 23."""
    g = Graph()
    x = g.input("x", "float16", ["n", 4])
    scale, zero_point = g.number(0.02, "float16"), g.number(3, "uint8")
    q = g.quantize(x, "q", scale, zero_point)
    g.y(g.dequantize(q, "y", scale, zero_point, output_dtype=TensorProto.FLOAT16), "float16")
    declined = converter.convert(g.model(23), explain=True).report.declined
    reason = "its scale is in float16, and output_dtype says another time what it makes"
    assert [(each.name, each.reason) for each in declined if each.step == "WidenFloat16"] == [
        ("y_node", reason)
    ]
