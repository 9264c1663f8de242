"""Models whose nodes stand in any order: onnxruntime sorts and runs them."""

import numpy as np
import onnx
import pytest
from networks import Network
from onnx import helper

from cases.builder import Array
from check import assert_equivalent
from qudnn import converter

WIDTH = 8


def residual(steps: int = 3) -> Network:
    net = Network()
    x = net.quantize(net.input("x", "float32", ["n", WIDTH, 6, 6]), "q")
    for step in range(steps):
        x = net.add(net.conv(x, f"c{step}", WIDTH, WIDTH, 3, pads=[1] * 4), x, f"s{step}")
    net.dequantize(x, net.unshaped_output("y", "float32"))
    return net


def shuffled(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    _shuffle(model.graph.node, seed)
    return model


def _shuffle(nodes: list[onnx.NodeProto], seed: int) -> None:
    order = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    np.random.default_rng(seed).shuffle(order)
    del nodes[:]
    nodes.extend(order)


def floats(*shape: int) -> Array:
    return np.random.default_rng(1).normal(0, 4, shape).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_any_order(seed: int) -> None:
    model = shuffled(residual().model(13), seed)
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model)
    conversion = converter.convert(model)
    assert conversion.report.converted_nodes == conversion.report.quantized_nodes == 6
    assert not conversion.report.left
    onnx.checker.check_model(conversion.model)
    assert_equivalent(model, conversion.model, [{"x": floats(2, WIDTH, 6, 6)}])


def test_a_branch_reads_what_is_computed_later() -> None:
    net = residual(1)
    net.input("choice", "bool", [])
    info = [helper.make_tensor_value_info("t", onnx.TensorProto.FLOAT, None)]
    branch = helper.make_graph([helper.make_node("Relu", ["s0_float"], ["t"])], "branch", [], info)
    net.node("If", ["choice"], net.unshaped_output("z", "float32"), then_branch=branch, else_branch=branch)
    net.dequantize("s0", "s0_float")
    model = unchecked(net)
    conversion = converter.convert(model)
    assert conversion.report.converted_nodes == conversion.report.quantized_nodes == 2
    onnx.checker.check_model(conversion.model)
    inputs = {"x": floats(2, WIDTH, 6, 6), "choice": np.array(True)}
    assert_equivalent(model, conversion.model, [inputs])


def test_bodies_are_sorted_too() -> None:
    """onnxruntime refuses these as they were."""
    nodes = [helper.make_node("Relu", ["t"], ["b"]), helper.make_node("Neg", ["a"], ["t"])]
    function = helper.make_function("mine", "NegRelu", ["a"], ["b"], nodes, [helper.make_opsetid("", 13)])
    net = residual(1)
    net.node("NegRelu", ["y"], net.unshaped_output("z", "float32"), domain="mine")
    net.input("choice", "bool", [])
    info = [helper.make_tensor_value_info("t", onnx.TensorProto.FLOAT, None)]
    steps = [helper.make_node("Relu", ["r"], ["t"]), helper.make_node("Neg", ["z"], ["r"])]
    branch = helper.make_graph(steps, "branch", [], info)
    net.node("If", ["choice"], net.unshaped_output("u", "float32"), then_branch=branch, else_branch=branch)
    conversion = converter.convert(unchecked(net, function))
    assert conversion.report.converted_nodes == conversion.report.quantized_nodes == 2
    onnx.checker.check_model(conversion.model)


def unchecked(net: Network, *functions: onnx.FunctionProto) -> onnx.ModelProto:
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    domains = {"": 13, "com.microsoft": 1, "mine": 1}
    imports = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8, functions=functions)


def test_a_circle_is_an_error_that_names_it() -> None:
    net = residual(1)
    model = net.model(13)
    (conv,) = [node for node in model.graph.node if node.op_type == "QLinearConv"]
    conv.input[0] = "s0"
    with pytest.raises(converter.ConversionError) as error:
        converter.convert(model)
    text = str(error.value)
    assert text.startswith("the model is not valid, each of these nodes needs what the one before computes: ")
    assert "c0_node (QLinearConv)" in text
    assert "s0_node (QLinearAdd)" in text


def test_a_scale_that_depends_on_the_shape_of_what_it_scales() -> None:
    """The Shape may be taken of the quantized tensor in other models; here that would be a circle."""
    net = Network()
    x = net.node("Relu", [net.input("x", "float32", ["n", WIDTH, 6, 6])], "r")
    size = net.node("ReduceProd", [net.node("Shape", [x], "shape")], "size", keepdims=0)
    scale = net.node("Div", [net.scale, net.node("Cast", [size], "number", to=1)], "given")
    q = net.node("QuantizeLinear", [x, scale, net.zero], "q")
    y = net.node("DequantizeLinear", [q, scale, net.zero], "dq")
    net.node("Identity", [y], net.unshaped_output("z", "float32"))
    net.dequantize(net.conv(net.quantize(x, "p"), "c", WIDTH, 16), net.unshaped_output("y", "float32"))
    model = net.model(13)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    assert_equivalent(model, conversion.model, [{"x": floats(2, WIDTH, 6, 6)}])
