"""Embeddings: rows of an 8-bit table, looked up by numbers that the model is given."""

import numpy as np
import onnx
import pytest
from operators import Operators
from qdq_networks import QdqNetwork

import check
from cases.builder import integers
from qudnn import converter

IDS = {"ids": np.array([[3, 1, 4, 1], [5, 9, 2, 6]], np.int64)}
OP = {"QLayerNormalization": 1}


def assert_begins_with_gather(model: onnx.ModelProto, channels: int) -> None:
    """The table lies in the model as in an island, so that nothing enters: the Gather counts as converted."""
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted == OP
    assert (report.islands, report.entries, report.exits) == (1, 0, 1)
    assert not report.left
    assert report.converted_nodes == report.quantized_nodes == 2
    assert "Gather" in {node.op_type for node in conversion.model.graph.node}
    tables = [tensor for tensor in conversion.model.graph.initializer if list(tensor.dims)[:1] == [10]]
    assert [list(table.dims) for table in tables] == [[10, -(-channels // 16) * 16]]
    check.assert_equivalent(model, conversion.model, [IDS])


@pytest.mark.parametrize("channels", [32, 21])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_qdq(dtype: str, channels: int) -> None:
    net = QdqNetwork(dtype)
    table = net.constant("table", integers(net.rng, dtype, (10, channels)))
    parameters = net.parameters("table_q", 0.02, 3, dtype)
    y = net.node(
        "Gather", [net.dequantize(table, parameters, "t"), net.input("ids", "int64", ("n", "s"))], "g"
    )
    net.node("QuantizeLinear", [y, *parameters], "g/quantized")
    y = net.dequantize("g/quantized", parameters, "g_q")
    ones = net.constant("ones", np.ones(channels), "float32")
    net.y(net.node("LayerNormalization", [y, ones], "l"), 0.02, rank=3)
    assert_begins_with_gather(net.model(), channels)


@pytest.mark.parametrize("channels", [32, 21])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_qoperator(dtype: str, channels: int) -> None:
    net = Operators(dtype)
    table = net.constant("table", net.random(10, channels))
    y = net.node("Gather", [table, net.input("ids", "int64", ("n", "s"))], "g")
    y = net.node("DequantizeLinear", [y, *net.quantization("g")], "g_float")
    ones = net.constant("ones", np.ones(channels), "float32")
    y = net.node("LayerNormalization", [y, ones], "l")
    net.node("QuantizeLinear", [y, *net.quantization("y", 0.02)], net.result("y", 3))
    assert_begins_with_gather(net.model(17), channels)


def test_a_table_with_other_consumers_is_not_copied() -> None:
    net = Operators("uint8")
    table = net.constant("table", net.random(10, 32))
    ids = net.input("ids", "int64", ("n", "s"))
    net.node("Gather", [table, ids], net.result("z", 3))
    y = net.node("DequantizeLinear", [net.node("Gather", [table, ids], "g"), *net.quantization("g")], "f")
    y = net.node("LayerNormalization", [y, net.constant("ones", np.ones(32), "float32")], "l")
    net.node("QuantizeLinear", [y, *net.quantization("y", 0.02)], net.result("y", 3))
    conversion = converter.convert(net.model(17))
    assert conversion.report.entries == 1
    check.assert_equivalent(net.model(17), conversion.model, [IDS])


@pytest.mark.parametrize("positions", [10, 7])
def test_places_and_types_are_known(positions: int) -> None:
    """Places are the first rows of their table, of types there is one: neither needs a Gather."""
    net = Operators("uint8")
    ids = net.input("ids", "int64", ("n", "s"))
    words = net.node("Gather", [net.constant("words", net.random(10, 32)), ids], "w")
    length = net.node("Shape", [ids], "length", start=1)
    bounds = [net.constant("zero", np.array([0])), length, net.constant("one", np.array([1]))]
    places = net.node("Slice", [net.constant("numbers", np.arange(positions)[None]), *bounds], "places")
    places = net.node("Gather", [net.constant("rows", net.random(10, 32)), places], "p")
    zeros = net.constant("zeros", np.zeros((1, 1), np.int64))
    types = net.node("Expand", [zeros, net.node("Shape", [ids], "whole")], "types")
    types = net.node("Gather", [net.constant("kinds", net.random(2, 32)), types], "t")
    parameters = {name: net.quantization(name) for name in "wpt"}
    y = net.contrib(
        "QLinearAdd", [words, *parameters["w"], types, *parameters["t"], *net.quantization("a")], "a"
    )
    y = net.contrib(
        "QLinearAdd", [y, *net.quantization("a_read"), places, *parameters["p"], *net.quantization("b")], "b"
    )
    y = net.node("DequantizeLinear", [y, *net.quantization("b_read")], "f")
    y = net.node("LayerNormalization", [y, net.constant("ones", np.ones(32), "float32")], "l")
    net.node("QuantizeLinear", [y, *net.quantization("y", 0.02)], net.result("y", 3))
    conversion = converter.convert(net.model(17))
    report = conversion.report
    assert report.converted == {"QAdd": 2, "QLayerNormalization": 1}, str(report)
    assert (report.entries, report.exits) == (0, 1)
    assert sorted(entry.op_type for entry in report.left) == ["Shape"]
    check.assert_equivalent(net.model(17), conversion.model, [IDS, {"ids": IDS["ids"][:1, :1]}])


def test_a_table_before_what_works_in_float_stays() -> None:
    """Its rows are chosen when the model runs: a reason may not ask for constants."""
    net = Operators("uint8")
    rows = net.node(
        "Gather", [net.constant("table", net.random(10, 32)), net.input("ids", "int64", "ns")], "g"
    )
    y = net.output("y", "float32", "nsc")
    net.node("Neg", [net.node("DequantizeLinear", [rows, *net.quantization("g")], "f")], y)
    conversion = converter.convert(net.model(17))
    assert not conversion.report.converted
    reasons = {entry.name: entry.reason for entry in conversion.report.left}
    assert reasons["g_node"] == "it looks up a table, as an embedding: that stays outside of islands"
