"""Functions of a model with quantized nodes: their calls become the nodes, which convert."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from same_bits import Graph

import check
from qudnn import converter
from qudnn.converter.api import inspect
from qudnn.converter.functions import DOMAIN
from session import open_session, outputs

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
WEIGHTS = ["w", "ws", "wz"]


def function(
    name: str,
    inputs: Sequence[str],
    nodes: Sequence[onnx.NodeProto],
    attributes: Sequence[str] = (),
    opsets: Sequence[onnx.OperatorSetIdProto] = OPSETS,
) -> onnx.FunctionProto:
    """A function of one output, y."""
    return helper.make_function("mine", name, inputs, ["y"], nodes, opsets, attributes)


def layer() -> onnx.FunctionProto:
    """Dequantized weights, a matmul of x, and a pair after it."""
    nodes = [
        helper.make_node("DequantizeLinear", WEIGHTS, ["dw"]),
        helper.make_node("MatMul", ["x", "dw"], ["m"], name="matmul"),
        helper.make_node("QuantizeLinear", ["m", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    return function("Layer", ["x", *WEIGHTS, "s", "z"], nodes)


class Calls(Graph):
    def layer(self, x: str, y: str, op_type: str = "Layer") -> str:
        w = self.constant(f"{y}_w", self.values("int8", (64, 64)) // 2, "int8")
        numbers = [self.number(0.01), self.number(0, "int8"), self.number(0.4), self.number(121, "uint8")]
        return self.node(op_type, [x, w, *numbers], y, "mine")

    def of(self, *functions: onnx.FunctionProto) -> onnx.ModelProto:
        model = self.model(17)
        model.functions.extend(functions)
        model.opset_import.extend(OPSETS[1:])
        return model


def start(g: Graph, rows: int = 3) -> str:
    x = g.x("x", "float32", (rows, 64), ("n", 64))
    return g.pair(x, "d", g.number(0.02), g.number(128, "uint8"))


def converted(model: onnx.ModelProto, g: Graph, ops: dict[str, int]) -> converter.Conversion:
    conversion = converter.convert(model)
    found = Counter(node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN)
    assert {op: found[op] for op in ops} == ops, str(conversion.report)
    check.assert_equivalent(model, conversion.model, [g.feeds])
    return conversion


def test_each_call() -> None:
    g = Calls()
    g.y(g.layer(g.layer(start(g), "a"), "b"))
    conversion = converted(g.of(layer()), g, {"QMatMul": 2, "QuantizeToIsland": 1})
    assert not conversion.report.left
    assert (conversion.report.quantized_nodes, conversion.report.converted_nodes) == (2, 2)
    assert {each.domain for each in conversion.model.functions} == {DOMAIN}


def test_inspecting_tells_what_converting_does(tmp_path: Path) -> None:
    g = Calls()
    g.y(g.layer(g.layer(start(g), "a"), "b"))
    model = g.of(layer())
    onnx.save(model, tmp_path / "m.onnx")
    report = converter.convert(model).report
    assert report.converted_nodes == 2
    assert str(inspect(onnx.load(tmp_path / "m.onnx"), tmp_path / "m.onnx")) == str(report)


def test_functions_in_functions_and_attributes() -> None:
    """Exporters wrap QuantizeLinear with its scale as an attribute; a function in float stays a function."""
    scale = helper.make_node("Constant", [], ["s"])
    scale.attribute.append(onnx.AttributeProto(name="value_float", ref_attr_name="scale", type="FLOAT"))
    zero = helper.make_node("Constant", [], ["z"], value=helper.make_tensor("z", 2, [], [121]))
    pair = function(
        "Pair",
        ["x"],
        [
            scale,
            zero,
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        ["scale"],
    )
    product = helper.make_node("MatMul", ["x", "dw"], ["m"])
    nodes = [
        helper.make_node("DequantizeLinear", WEIGHTS, ["dw"]),
        product,
        helper.make_node("Pair", ["m"], ["y"], domain="mine", scale=0.4),
    ]
    tail = function("Tail", ["x"], [helper.make_node("Tanh", ["x"], ["y"])])
    g = Calls()
    g.y(g.node("Tail", [g.layer(start(g), "a")], "y", "mine"))
    conversion = converted(
        g.of(function("Layer", ["x", *WEIGHTS, "s", "z"], nodes), pair, tail), g, {"QMatMul": 1}
    )
    assert [each.name for each in conversion.model.functions if each.domain == "mine"] == ["Tail"]


def test_weights_in_other_files(tmp_path: Path) -> None:
    g = Calls()
    g.y(g.layer(start(g), "a"))
    model = g.of(layer())
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    onnx.save(model, source, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert converter.convert_file(source, target).converted == {"QMatMul": 1}
    got, want = (outputs(open_session(each), g.feeds)["a"] for each in (onnx.load(target), g.of(layer())))
    np.testing.assert_array_equal(got, want)


def doubled(depth: int) -> list[onnx.FunctionProto]:
    """Functions of which each calls the one before it twice; few enough for ONNX's inference."""
    pair = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    functions = [function("F0", ["x", "s", "z"], pair)]
    for n in range(1, depth):
        calls = [
            helper.make_node(f"F{n - 1}", [x, "s", "z"], [y], domain="mine")
            for x, y in (("x", "t"), ("t", "y"))
        ]
        name = "Last" if n == depth - 1 else f"F{n}"
        functions.append(function(name, ["x", "s", "z"], calls))
    return functions


def other_opset() -> list[onnx.FunctionProto]:
    found = layer()
    found.opset_import[0].version = 16
    found.name = "Last"
    return [found]


def itself() -> list[onnx.FunctionProto]:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("Last", ["x", "s", "z"], ["y"], domain="mine"),
    ]
    return [function("Last", ["x", "s", "z"], nodes)]


@pytest.mark.parametrize("functions", [doubled(15), itself()], ids=["doubled", "itself"])
def test_what_would_grow_without_end_stays(functions: list[onnx.FunctionProto]) -> None:
    _stays(functions, [0.02, 121])


def test_a_function_of_another_opset_stays() -> None:
    g = Calls()
    g.y(g.layer(start(g), "a", "Last"))
    assert _calls(converter.convert(g.of(*other_opset()))) == 1


def _stays(functions: list[onnx.FunctionProto], numbers: list[Any]) -> None:
    g = Calls()
    parameters = [g.number(numbers[0]), g.number(numbers[1], "uint8")]
    g.y(g.node("Last", [start(g), *parameters], "y", "mine"))
    assert _calls(converter.convert(g.of(*functions))) == 1


def _calls(conversion: converter.Conversion) -> int:
    return sum(node.domain == "mine" for node in conversion.model.graph.node)


def test_many_calls_grow_linearly() -> None:
    def seconds(count: int) -> float:
        g = Calls()
        w = g.constant("w", g.values("int8", (64, 64)) // 2, "int8")
        numbers = [g.number(0.01), g.number(0, "int8"), g.number(0.4), g.number(121, "uint8")]
        y = start(g)
        for n in range(count):
            y = g.node("Layer", [y, w, *numbers], f"y{n}", "mine")
        g.y(y)
        model = g.of(layer())
        begin = process_time()
        assert converter.convert(model).report.converted["QMatMul"] == count
        return process_time() - begin

    seconds(20)
    assert seconds(400) < 10 * max(seconds(100), 0.05)
