"""A shape that is used does not keep a result in floating point, unless onnxruntime would do so."""

import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter


def product(graph: Graph) -> str:
    graph.x("x", "float32", (2, 9, 16), ("n", 9, 16))
    w = graph.dequantize(graph.random("int8", (16, 16)), "w", graph.number(0.02), graph.number(0, "int8"))
    x = graph.pair("x", "x_q", graph.number(0.05), graph.number(121, "uint8"))
    return graph.pair(graph.node("MatMul", [x, w], "m"), "m_q", graph.number(0.5), graph.number(117, "uint8"))


def split_rows(graph: Graph, x: str, y: str) -> str:
    """`[n, 9, 16] -> [n, 3, 3, 16]`, the batch out of x's Shape."""
    batch = graph.node(
        "Gather", [graph.node("Shape", [x], f"{y}_shape"), graph.constant(f"{y}_0", [0], "int64")], f"{y}_n"
    )
    target = graph.node(
        "Concat", [batch, graph.constant(f"{y}_rest", [3, 3, 16], "int64")], f"{y}_to", axis=0
    )
    return graph.node("Reshape", [x, target], y)


def quantized(graph: Graph, x: str, y: str) -> str:
    return graph.pair(x, y, graph.number(0.03), graph.number(125, "uint8"))


def test_of_a_normalization_and_of_what_moves_it() -> None:
    graph = Graph()
    numbers = [graph.random("float32", (16,)) for _ in range(2)]
    y = graph.node("LayerNormalization", [product(graph), *numbers], "ln", axis=-1)
    y = split_rows(graph, y, "r")
    y = graph.node("Transpose", [y], "t", perm=[0, 2, 1, 3])
    graph.y(graph.node("Shape", ["t"], "sizes"), "int64", 1)
    graph.y(quantized(graph, y, "z"), rank=4)
    model = assert_same_bits(graph, {"QMatMul": 1, "QLayerNormalization": 1})
    assert "LayerNormalization" not in {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("moved", [False, True])
def test_of_what_onnxruntime_would_compute_in_integers(moved: bool) -> None:
    """An Add beside a Shape stays in floating point there, whether a Reshape is between or not."""
    graph = Graph()
    x = product(graph)
    y = graph.node("Add", [x, x], "a")
    if moved:
        y = split_rows(graph, y, "r")
    graph.y(graph.node("Shape", [y], "sizes"), "int64", 1)
    graph.y(quantized(graph, y, "z"), rank=4 if moved else 3)
    assert_same_bits(graph, {"QMatMul": 1} if moved else {"QMatMulTable": 1})
    declined = converter.convert(graph.model(17), explain=True).report.declined
    reasons = [each.reason for each in declined if each.step == "ShapesOfInputs"]
    assert len(reasons) == (1 if moved else 0)
