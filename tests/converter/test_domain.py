"""Whether a model is converted: ops of qudnn, wherever they stand, and not the import of their domain."""

import onnx
import pytest
from networks import Network
from onnx import helper

import converter


@pytest.fixture(scope="module")
def converted() -> onnx.ModelProto:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    model = converter.convert(net.model(13)).model
    assert converter.is_converted(model)
    return model


def around(nodes: list[onnx.NodeProto], functions: list[onnx.FunctionProto]) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "g", [], [])
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qudnn", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=functions)


def test_in_a_body_in_a_body(converted: onnx.ModelProto) -> None:
    body = helper.make_graph(list(converted.graph.node), "body", [], [])
    inner = helper.make_node("If", ["c"], ["t"], then_branch=body, else_branch=body)
    outer = helper.make_node("Loop", [], ["u"], body=helper.make_graph([inner], "loop", [], []))
    assert converter.is_converted(around([outer], []))


def test_in_a_function_of_the_users(converted: onnx.ModelProto) -> None:
    nodes = list(converted.graph.node)
    function = helper.make_function("own", "Own", ["x"], ["y"], nodes, [helper.make_opsetid("qudnn", 1)])
    assert converter.is_converted(around([], [function]))


def test_bodies_of_the_ops_themselves_are_no_use_of_them(converted: onnx.ModelProto) -> None:
    assert converted.functions
    assert not converter.is_converted(around([], list(converted.functions)))
    assert not converter.is_converted(around([helper.make_node("Relu", ["x"], ["y"])], []))


def test_a_converted_model_is_returned_as_it_is(converted: onnx.ModelProto) -> None:
    again = converter.convert(converted)
    assert again.model is converted
    assert again.report.already
    assert again.report.converted == {"QConv": 1}
    assert str(again.report).splitlines()[0].endswith("the model was converted already")
