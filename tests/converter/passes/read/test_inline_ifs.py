"""If with a constant condition: its branch is a part of the graph for onnxruntime, and for the converter."""

from collections.abc import Callable
from functools import partial
from time import process_time

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper
from same_bits import Graph, assert_same_bits

from cases.builder import value_info
from qudnn.converter.context import Journal
from qudnn.converter.passes.read.inline_ifs import InlineIfs

Nodes = list[onnx.NodeProto]


def branch(
    g: Graph, name: str, build: Callable[[], str], constants: tuple[onnx.TensorProto, ...] = ()
) -> onnx.GraphProto:
    """What build adds to the graph, as a graph of its own."""
    before = len(g.nodes)
    result = build()
    nodes = g.nodes[before:]
    del g.nodes[before:]
    return helper.make_graph(nodes, name, [], [value_info(result, "float32", ["n", 64])], list(constants))


def condition(g: Graph, kind: str, value: bool) -> str:
    """A constant of one of these kinds, or an input that is always given."""
    if kind == "node":
        return g.node("Constant", [], "which", value=numpy_helper.from_array(np.array(value)))
    if kind == "not":
        return g.node("Not", [g.constant("whether", not value)], "which")
    if kind == "compared":
        equal = g.node(
            "Equal", [g.constant("two", 2, "int64"), g.constant("k", 2 if value else 3, "int64")], "e"
        )
        return g.node("And", [g.node("Cast", [equal], "cast", to=onnx.TensorProto.BOOL), equal], "which")
    if kind.startswith("size"):
        size = g.node("Gather", [g.node("Shape", ["x"], "shape"), g.constant("one", 1, "int64")], "size")
        return g.node("Equal", [size, g.constant("k", 64 if value else 3, "int64")], "which")
    if kind == "rank":
        rank = g.node("Size", [g.node("Shape", ["x"], "shape")], "rank")
        return g.node("Less", [rank, g.constant("k", 3 if value else 2, "int64")], "which")
    if kind == "input":
        g.feeds["which"] = np.array(value)
        return g.input("which", "bool", [])
    return g.constant("which", [value] if kind == "vector" else value)


def table(g: Graph, op_type: str, x: str, name: str, scale: float = 1 / 256) -> str:
    return g.pair(g.node(op_type, [x], f"{name}_node"), name, g.number(scale), g.number(128, "uint8"))


def with_branches(kind: str, value: bool, names: tuple[str, str] = ("a", "b")) -> Graph:
    """A pair, an If whose branches begin with another pair and end in one, and a table after it."""
    g = Graph()
    first = g.number(0.0371), g.number(131, "uint8")
    second = g.number(0.05), g.number(120, "uint8")
    which = condition(g, kind, value)
    declared = [5 if kind in ("size", "rank") else "n", 64]
    x = g.pair(g.x("x", "float32", [5, 64], declared), "x_pair", *first)

    def build(op_type: str, name: str) -> Callable[[], str]:
        return lambda: table(g, op_type, g.pair(x, f"{name}_in", *second), name)

    then, other = (build(op, name) for op, name in zip(("Sigmoid", "Tanh"), names, strict=True))
    graphs = {"then_branch": branch(g, "then", then), "else_branch": branch(g, "else", other)}
    g.y(table(g, "HardSwish", g.node("If", [which], "chosen", **graphs), "y"))
    return g


CONSTANT = ["initializer", "vector", "node", "not", "compared", "size", "rank"]


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("kind", CONSTANT)
@pytest.mark.parametrize("names", [("a", "b"), ("same", "same")])
def test_constant_condition(kind: str, value: bool, names: tuple[str, str]) -> None:
    """The two pairs at the border become one, as in onnxruntime, and both sides lie in one island."""
    converted = assert_same_bits(with_branches(kind, value, names), {"QTable": 1, "QuantizeToIsland": 1})
    assert "If" not in {node.op_type for node in converted.graph.node}


@pytest.mark.parametrize("value", [True, False])
def test_condition_on_a_shape_that_is_known_in_part_stays(value: bool) -> None:
    """onnxruntime folds a Shape where all sizes are known."""
    g = with_branches("size of some", value)
    g.y(table(g, "Sigmoid", "x", "beside"))
    g.y(table(g, "Tanh", "beside", "beside_2"))
    converted = assert_same_bits(g, {"QTable": 1}, {"HardSwish": "its input comes from If"})
    assert "If" in {node.op_type for node in converted.graph.node}


@pytest.mark.parametrize("value", [True, False])
def test_condition_that_is_given_stays(value: bool) -> None:
    g = with_branches("input", value)
    g.y(table(g, "Sigmoid", "x", "beside"))
    g.y(table(g, "Tanh", "beside", "beside_2"))
    converted = assert_same_bits(g, {"QTable": 1}, {"HardSwish": "its input comes from If"})
    assert "If" in {node.op_type for node in converted.graph.node}


@pytest.mark.parametrize("value", [True, False])
def test_nested(value: bool) -> None:
    """Names that several branches have, constants of branches, and an If inside of a branch."""
    g = Graph()
    which = condition(g, "initializer", value)
    x = table(g, "Sigmoid", g.x("x", "float32", [5, 64], ["n", 64]), "x_table")
    for number in range(2):

        def inner(x: str = x, number: int = number) -> str:
            own = numpy_helper.from_array(np.array(number == 0), "own")
            graphs = [branch(g, op, partial(table, g, op, x, "same")) for op in ("Tanh", "Relu")]
            g.nodes.append(helper.make_node("Constant", [], ["own"], value=own))
            return g.node("If", ["own"], "inner", then_branch=graphs[0], else_branch=graphs[1])

        def outer(x: str = x) -> str:
            return table(g, "HardSwish", g.node("Mul", [x, "halves"], "half"), "same")

        halves = numpy_helper.from_array(np.full(1, 0.5, np.float32), "halves")
        then, other = branch(g, "then", inner), branch(g, "else", outer, (halves,))
        x = g.node("If", [which], f"chosen_{number}", then_branch=then, else_branch=other)
    g.y(x)
    converted = assert_same_bits(g, {"QTable": 1})
    assert "If" not in {node.op_type for node in converted.graph.node}


def test_branch_that_is_a_constant() -> None:
    """It is a result of the model, too; what only the other branch reads is free of it."""
    g = Graph()
    which = condition(g, "initializer", True)
    x = table(g, "Sigmoid", g.x("x", "float32", [5, 64], ["n", 64]), "x_table")
    halves = numpy_helper.from_array(np.full((1, 64), 0.5, np.float32), "halves")
    then = helper.make_graph([], "then", [], [value_info("halves", "float32", [1, 64])], [halves])
    other = branch(g, "else", lambda: g.node("Relu", [x], "other"))
    g.y(g.node("If", [which], "constant", then_branch=then, else_branch=other))
    g.y(table(g, "Tanh", x, "y"))
    converted = assert_same_bits(g, {"QTable": 1, "DequantizeFromIsland": 1})
    assert "If" not in {node.op_type for node in converted.graph.node}


def test_many_grow_linearly() -> None:
    """Each name is in every branch."""

    def seconds(count: int) -> float:
        g = Graph()
        which, x = condition(g, "initializer", True), g.x("x", "float32", [5, 64], ["n", 64])
        for number in range(count):
            graphs = [branch(g, op, partial(g.node, op, [x], "same")) for op in ("Relu", "Abs")]
            x = g.node("If", [which], f"x_{number}", then_branch=graphs[0], else_branch=graphs[1])
        g.y(x)
        model = ir.from_proto(g.model(17))
        context = Journal.of(model)
        start = process_time()
        InlineIfs(context)(model)
        assert [node.op_type for node in model.graph] == ["Relu"] * count
        return process_time() - start

    seconds(100)
    assert seconds(4000) < 16 * max(seconds(1000), 0.01)
