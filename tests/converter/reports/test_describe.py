"""Reports are about the user's model, and say only what happened."""

import re
import sys
from typing import Any

import numpy as np
import onnx
import pytest
from networks import Network
from qdq_networks import QdqNetwork

from qudnn import converter
from qudnn.converter.lowering.elementwise import table


def lines(report: converter.Report) -> list[str]:
    return str(report).splitlines()


def test_a_node_that_the_converter_adds_is_not_listed() -> None:
    """An old Softmax becomes several nodes when the opset is raised, of which one is the user's."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 5)
    y = net.node("Softmax", [net.dequantize(x, "d")], "s", axis=1)
    net.output(y, "float32", ["n", 5, 8, 8])
    model = net.model(11)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    assert "Shape" in {node.op_type for node in conversion.model.graph.node}
    assert [(entry.name, entry.op_type) for entry in conversion.report.left] == [("s_node", "Softmax")]
    assert {entry.op_type for entry in conversion.report.left} <= {node.op_type for node in model.graph.node}


def test_nodes_without_names_are_told_apart() -> None:
    """A Reshape of floats becomes one of 8 bits, and its result takes another name."""
    net = QdqNetwork()
    x = net.pair(net.node("Relu", [net.x(("a", "b", "c", "d"))], "r"), "r_q", 0.05, 130)
    y = net.node("Reshape", [x, net.constant("to", [-1, 20, 4], "int64")], "v")
    net.y(y, 0.05, 130, rank=3)
    model = net.model()
    for node in model.graph.node:
        node.name = ""
    report = converter.convert(model).report
    assert report.converted == {"QTable": 1}
    assert [entry.op_type for entry in report.left if entry.quantized] == ["Reshape"]
    assert (report.quantized_nodes, report.converted_nodes) == (2, 1)


def test_sizes_are_shown_by_their_names() -> None:
    net = QdqNetwork()
    x = net.pair(net.node("Relu", [net.x(("a", "b", "c", "d"))], "r"), "r_q", 0.05, 130)
    net.y(net.node("Reshape", [x, net.constant("to", [-1, 20, 4], "int64")], "v"), rank=3)
    text = str(converter.convert(net.model()).report)
    assert "[a, b, c, d] -> [" in text
    assert not re.search(r"\w+\(name=|object at 0x|Value\(|<\w+ ", text), text


def test_nothing_is_approximate_where_nothing_is_converted() -> None:
    """The tensors that became uint8 did so in a model that is given up."""
    net = QdqNetwork("int8")
    x = net.x(("n", 4, 3, 9, 8))
    c = net.node("Conv", [x, net.weights("w", (4, 4, 3, 3, 3), 0)], "c", pads=[1] * 6)
    net.output(net.node("Mul", [c, net.node("Sigmoid", [c], "s")], "m"), "float32", ["n", 4, 3, 9, 8])
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.model is model
    assert conversion.report.approximate == ()
    assert (conversion.report.quantized_nodes, conversion.report.converted_nodes) == (1, 0)
    assert lines(conversion.report)[1:3] == [
        "nothing was converted",
        "quantized nodes that were left as they were:",
    ]


def test_quantized_nodes_in_bodies_count() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 3, 8, 8])
    net.node("Identity", [net.conv(x, "c", 3, 5)], net.unshaped_output("y", "uint8"))
    inner = Network()
    inner.conv(x, "b", 3, 5)
    body = onnx.helper.make_graph(
        inner.nodes,
        "body",
        [],
        [onnx.helper.make_tensor_value_info("b", onnx.TensorProto.UINT8, None)],
        inner.constants,
    )
    net.node(
        "If",
        [net.input("yes", "bool", [])],
        net.unshaped_output("z", "uint8"),
        then_branch=body,
        else_branch=body,
    )
    report = converter.convert(net.model(13)).report
    assert report.converted == {"QConv": 3}
    assert (report.quantized_nodes, report.converted_nodes) == (3, 3)
    exits = [entry.value for entry in report.crossings if entry.kind == "exit"]
    assert sorted(exits) == ["y", "z_node/else_branch/b", "z_node/then_branch/b"]


def test_without_onnxruntime_a_pass_does_less_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    net = QdqNetwork()
    y = net.node("MatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 21), 1)], "m")
    y = net.pair(y, "m_q", 0.05, 140)
    bias = net.weights("b", (21,), dtype="uint8", zero_point=9)
    y = net.pair(net.node("Add", [y, bias], "a"), "a_q", 0.061, 117)
    net.y(net.node("Relu", [y], "r"), rank=3)
    model = net.model()
    with_it = converter.convert(model).report
    assert with_it.converted == {"QMatMulAddTable": 1}
    assert with_it.remarks == ()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    table._run.cache_clear()
    report = converter.convert(model).report
    assert report.converted == {"QMatMulAdd": 1}
    why = "onnxruntime would compute its table, and cannot be imported"
    assert report.remarks[0].startswith(f"elementwise operators are not fused into one: {why}")
    assert report.remarks[0] in lines(report)
    assert [entry.name for entry in report.left if entry.reason.startswith(why)] == ["r_node"]


def with_int8_output(op_type: str) -> converter.Report:
    """Of a model whose last operator has an input that became uint8, and an int8 result."""
    net = QdqNetwork("int8")
    attributes: dict[str, Any] = {"kernel_shape": [2, 2]} if op_type in ("AveragePool", "MaxPool") else {}
    y = net.node(op_type, [net.pair(net.conv(net.x()), "c_q", 0.09, 131)], "p", **attributes)
    net.node("QuantizeLinear", [y, *net.parameters("y", 0.09, 3, "int8")], "y")
    net.output("y", "int8", list("abcd"))
    return converter.convert(net.model()).report


@pytest.mark.parametrize("op_type", ["AveragePool", "GlobalAveragePool"])
def test_an_int8_output_of_the_model_is_noted(op_type: str) -> None:
    report = with_int8_output(op_type)
    assert report.converted == {"QConv": 1, f"Q{op_type}": 1}
    assert [(entry.name, entry.reason) for entry in report.approximate] == [
        (
            "p_node",
            "some of its int8 tensors have several consumers or are inputs or outputs of the model, "
            "others not, so onnxruntime computes it in float32: results may differ by one quantum",
        )
    ]


@pytest.mark.parametrize("op_type", ["MaxPool", "Transpose"])
def test_an_int8_output_of_the_model_is_one_reason(op_type: str) -> None:
    """Its input became uint8: whatever moves values, the report says so, and of nothing else."""
    report = with_int8_output(op_type)
    assert report.converted == {"QConv": 1}
    (stays,) = (entry for entry in report.left if entry.quantized)
    assert stays.name == "p_node"
    assert stays.reason == (
        "its input is uint8 and its result int8 here: int8 tensors between QuantizeLinear and "
        "DequantizeLinear become uint8, others do not"
    )


def test_a_node_that_others_read_beside_an_island_is_listed() -> None:
    """Its int8 tensor enters an island, which begins there and not with the node."""
    net = Network("int8")
    x = net.eight_bit_input(["n", 4, 8, 8])
    scale, zero = net.weights("t", (4, 4, 1, 1), 4)[1:]
    weights = [net.input("w", "int8", [4, 4, 1, 1]), scale, zero]
    t = net.node("QLinearConv", [x, *net.quantized, *weights, *net.quantized], "t")
    net.output(net.node("Cast", [t], "cast", to=onnx.TensorProto.FLOAT), "float32", ["n", 4, 8, 8])
    net.output(net.average(t, "mean"), "int8", ["n", 4, 1, 1])
    report = converter.convert(net.model(17)).report
    assert report.converted == {"QGlobalAveragePool": 1}
    assert "QLinearConv" in [entry.op_type for entry in report.left]
    assert (report.quantized_nodes, report.converted_nodes) == (2, 1)


def test_a_resize_of_8_bits_that_stays_is_approximate() -> None:
    """onnxruntime weights pixels by 10 bits where it made the image channels-last, else in float32."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, "h", "w"]), "c", 3, 5)
    net.input("sizes", "int64", [4])
    net.node("Resize", [x, "", "", "sizes"], net.unshaped_output("y", "uint8"), mode="linear")
    report = converter.convert(net.model(13)).report
    assert report.converted == {"QConv": 1}
    assert [(entry.name, entry.op_type) for entry in report.approximate] == [("y_node", "Resize")]
    assert "by one quantum" in report.approximate[0].reason


def test_moves_that_cancel_each_other_are_listed_where_nothing_else_converts() -> None:
    """Nothing of them is left between the entry and the exit: the model stays as it is."""
    net = QdqNetwork()
    x = net.x(["n", 28, 2, 4])
    x = net.pair(net.node("Transpose", [x], "there", perm=[0, 2, 3, 1]), "there_q", 0.05, 131)
    x = net.pair(net.node("Transpose", [x], "back", perm=[0, 3, 1, 2]), "back_q", 0.05, 131)
    net.output(x, "float32", ["n", 28, 2, 4])
    model = net.model()
    for tensor in model.graph.initializer:  # those of x: what is in one quantization only moves
        if tensor.name.endswith("_scale"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(0.05, np.float32), tensor.name))
        elif tensor.name.endswith("_zero_point"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(131, np.uint8), tensor.name))
    conversion = converter.convert(model)
    assert conversion.model is model
    report = conversion.report
    assert (report.quantized_nodes, report.converted_nodes, report.entries, report.exits) == (2, 0, 0, 0)
    assert {entry.name for entry in report.left if entry.quantized} == {"there_node", "back_node"}
    assert "would cost more" in str(report) and "enter or leave" not in str(report)
