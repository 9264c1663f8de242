"""A LayerNormalization whose result is moved and quantized in parts is one for each part."""

import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter


def normalized(graph: Graph) -> str:
    graph.x("x", "float32", (2, 9, 16), ("n", 9, 16))
    w = graph.dequantize(graph.random("int8", (16, 16)), "w", graph.number(0.02), graph.number(0, "int8"))
    x = graph.pair("x", "x_q", graph.number(0.05), graph.number(121, "uint8"))
    x = graph.pair(graph.node("MatMul", [x, w], "m"), "m_q", graph.number(0.5), graph.number(117, "uint8"))
    numbers = [graph.random("float32", (16,)) for _ in range(2)]
    return graph.node("LayerNormalization", [x, *numbers], "ln", axis=-1)


def part(graph: Graph, x: str, start: int, end: int, y: str, scale: float) -> str:
    bounds = [graph.constant(f"{y}_{n}", [n], "int64") for n in (start, end)]
    axes = graph.constant(f"{y}_axes", [1], "int64")
    moved = graph.node("Slice", [x, *bounds, axes], y)
    return graph.pair(moved, f"{y}_q", graph.number(scale), graph.number(125, "uint8"))


@pytest.mark.parametrize("scales", [(0.03, 0.04), (0.03, 0.03)])
def test_a_window_that_is_rolled(scales: tuple[float, float]) -> None:
    """The two parts that QOperator quantizes before it joins them, each with a scale of its own."""
    graph = Graph()
    y = normalized(graph)
    parts = [part(graph, y, 3, 99, "a", scales[0]), part(graph, y, 0, 3, "b", scales[1])]
    rolled = graph.node("Concat", parts, "rolled", axis=1)
    graph.y(graph.pair(rolled, "z", graph.number(0.04), graph.number(122, "uint8")), rank=3)
    model = assert_same_bits(graph, {"QMatMul": 1})
    found = [node.op_type for node in model.graph.node]
    assert "LayerNormalization" not in found
    assert found.count("QLayerNormalization") == 2


def test_what_reads_floats_keeps_it() -> None:
    graph = Graph()
    y = normalized(graph)
    graph.y(part(graph, y, 3, 99, "a", 0.03), rank=3)
    graph.y(graph.node("Sin", [y], "b"), rank=3)
    assert_same_bits(graph, {"QMatMul": 1}, {"LayerNormalization": "consumers in floating point"})
    declined = converter.convert(graph.model(17), explain=True).report.declined
    reasons = [each.reason for each in declined if each.step == "NormalizeForEach"]
    assert reasons == ["what consumes its result does not only move and quantize it"]


@pytest.mark.parametrize("moved", [False, True])
def test_what_is_normalized_again(moved: bool) -> None:
    """As after the patches of Swin: quantized for the residual, normalized for the windows."""
    graph = Graph()
    y = normalized(graph)
    numbers = [graph.random("float32", (16,)) for _ in range(2)]
    again = graph.node("LayerNormalization", [y, *numbers], "again", axis=-1)
    if moved:
        again = graph.node("Reshape", [again, graph.constant("target", [-1, 3, 16], "int64")], "windows")
    for x, scale in ((y, 0.03), (again, 0.04)):
        values = graph.random("int8", (16, 5))
        w = graph.dequantize(values, f"{x}_w", graph.number(0.02), graph.number(0, "int8"))
        x = graph.pair(x, f"{x}_q", graph.number(scale), graph.number(125, "uint8"))
        x = graph.node("MatMul", [x, w], f"{x}_m")
        graph.y(graph.pair(x, f"{x}_z", graph.number(0.06), graph.number(122, "uint8")), rank=3)
    ops = {"QLayerNormalization": 1, "QLayerNormalizationToFloat": 1, "LayerNormalizationToIsland": 1}
    model = assert_same_bits(graph, {**ops, "QMatMul": 3})
    found = [node.op_type for node in model.graph.node]
    assert "LayerNormalization" not in found and "QuantizeLinear" not in found
    assert found.count("Reshape") == moved
    assert not converter.convert(graph.model(17)).report.left_quantized
