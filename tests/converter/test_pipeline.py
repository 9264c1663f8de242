"""What the passes make of whole models: islands, crossings, and everything that must stay as it was."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from conversions import convert, floats, reasons
from networks import Network
from onnx import helper

from cases.builder import Array
from check import assert_equivalent
from qudnn import converter
from qudnn.converter.reports.report import Crossing


def ops(model: onnx.ModelProto) -> dict[str, int]:
    return dict(Counter(node.op_type for node in model.graph.node))


def attribute(model: onnx.ModelProto, op_type: str, name: str) -> object:
    (node,) = [node for node in model.graph.node if node.op_type == op_type]
    return next(helper.get_attribute_value(a) for a in node.attribute if a.name == name)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_residual_network_has_one_entry_and_one_exit(dtype: str) -> None:
    net = Network(dtype)
    x = net.quantize(net.input("x", "float32", ["n", 3, "h", "w"]), "xq")
    x = net.conv(x, "stem", 3, 20, 7, pads=[3, 3, 3, 3], strides=[2, 2])
    x = net.node("MaxPool", [x], "pool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    y = net.conv(net.conv(x, "a", 20, 8), "b", 8, 20, 3, pads=[1, 1, 1, 1], strides=[2, 2])
    x = net.add(y, net.conv(x, "short", 20, 20, strides=[2, 2]), "sum")
    x = net.add(net.conv(x, "c", 20, 20, 3, pads=[1, 1, 1, 1]), x, "sum2")
    x = net.node("Flatten", [net.average(x, "mean")], "flat", axis=1)
    net.dequantize(net.matmul(x, "logits", 20, 10), net.output("y", "float32", ["n", 10]))
    model = net.model(17)
    conversion = convert(model, x=floats(2, 3, 37, 29))
    crossings = (
        Crossing("x", "entry", "an input of the graph"),
        Crossing("y", "exit", "an output of the graph"),
    )
    assert conversion.report == converter.Report(
        {"QConv": 3, "QConvAdd": 2, "QMaxPool": 1, "QGlobalAveragePool": 1, "Flatten": 1, "QMatMul": 1},
        1,
        1,
        1,
        crossings=crossings,
        quantized_nodes=11,
        converted_nodes=11,
    )
    assert_equivalent(model, conversion.model, [{"x": floats(1, 3, 32, 32)}])
    # The entry pads for the stem, and each op has the name of its node.
    assert attribute(conversion.model, "QuantizeToIsland", "pads") == [0, 3, 3, 0, 0, 3, 3, 1]
    assert list(conversion.model.graph.node[1].attribute[0].ints) == [0, 0, 0, 0]
    names = {node.name for node in conversion.model.graph.node}
    assert {
        "xq_node",
        "stem_node",
        "pool_node",
        "flat_node",
        "logits_node",
        "y_node",
    } == names & {node.name for node in model.graph.node} - {
        "a_node",
        "b_node",
        "short_node",
        "c_node",
        "sum_node",
        "sum2_node",
        "mean_node",
    }


def test_quantize_for_both_sides_stays() -> None:
    net = Network()
    x = net.quantize(net.input("x", "float32", ["n", 3, 8, 8]), "xq")
    net.dequantize(net.conv(x, "c", 3, 16), net.unshaped_output("y", "float32"))
    net.node("Identity", [x], net.unshaped_output("z", "uint8"))
    conversion = convert(net.model(13), x=floats(2, 3, 8, 8))
    assert ops(conversion.model) == {
        "QuantizeLinear": 1,
        "QuantizeToIsland": 1,
        "QConv": 1,
        "DequantizeFromIsland": 1,
        "Identity": 1,
    }


def test_entry_is_shared() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 3, 8, 8])
    a, b = net.conv(x, "a", 3, 16, 3, pads=[1, 1, 1, 1]), net.conv(x, "b", 3, 16)
    net.add(a, b, net.unshaped_output("y", "uint8"))
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert ops(conversion.model) == {"ConvertToIsland": 1, "QConv": 2, "QAdd": 1, "ConvertFromIsland": 1}
    assert attribute(conversion.model, "ConvertToIsland", "pads") == [0, 0, 0, 0, 0, 0, 0, 1]


def test_entry_in_8_bits_pads_with_the_zero_point_of_the_convolution() -> None:
    net = Network("int8")
    net.conv(
        net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "int8"), 3, 16, 3, pads=[0, 1, 2, 3]
    )
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert attribute(conversion.model, "ConvertToIsland", "pads") == [0, 0, 1, 0, 0, 2, 3, 1]
    assert attribute(conversion.model, "ConvertToIsland", "zero_point") == -7


def test_output_of_the_graph_inside_an_island() -> None:
    net = Network()
    a = net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.output("a", "uint8", ["n", 16, 8, 8]), 3, 16)
    b = net.add(a, a, net.unshaped_output("b", "uint8"))
    net.dequantize(net.conv(b, "c", 16, 5), net.unshaped_output("y", "float32"))
    net.dequantize(b, net.unshaped_output("z", "float32"))
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert conversion.report.exits == 3
    assert reasons(conversion) == {"z_node": "its input leaves the island in 8 bits, for other consumers"}


def test_dequantized_twice_leaves_once() -> None:
    net = Network()
    c = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 16)
    net.node("Relu", [net.dequantize(c, "d1")], net.unshaped_output("y", "float32"))
    net.node("Tanh", [net.dequantize(c, "d2")], net.unshaped_output("z", "float32"))
    conversion = convert(net.model(13), x=net.random((1, 3, 8, 8)))
    assert ops(conversion.model) == {
        "ConvertToIsland": 1,
        "QConv": 1,
        "DequantizeFromIsland": 1,
        "Relu": 1,
        "Tanh": 1,
    }


def test_dequantized_with_two_scales_leaves_in_8_bits() -> None:
    net = Network()
    c = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 16)
    net.dequantize(c, net.unshaped_output("y", "float32"))
    net.node(
        "DequantizeLinear", [c, net.constant("other", 0.5, "float32")], net.unshaped_output("z", "float32")
    )
    conversion = convert(net.model(13), x=net.random((1, 3, 8, 8)))
    assert ops(conversion.model) == {
        "ConvertToIsland": 1,
        "QConv": 1,
        "ConvertFromIsland": 1,
        "DequantizeLinear": 2,
    }
    assert set(reasons(conversion).values()) == {"its input is dequantized with several scales"}


def test_what_runs_where_it_is_makes_no_island() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 16, 8, 8])
    net.node("MaxPool", [x], net.unshaped_output("y", "uint8"), kernel_shape=[2, 2])
    model = net.model(13)
    conversion = convert(model, x=net.random((1, 16, 8, 8)))
    assert conversion.model is model
    assert conversion.report == converter.Report(left=conversion.report.left)
    assert reasons(conversion) == {
        "y_node": "carrying its tensors into an island and back would cost more than its int8 kernel saves"
    }


def test_what_has_no_kernel_makes_an_island() -> None:
    net = Network()
    x = net.eight_bit_input(["n", 16, 8, 8])
    net.node("MaxPool", [net.add(x, x, "s")], net.unshaped_output("y", "uint8"), kernel_shape=[2, 2])
    conversion = convert(net.model(13), x=net.random((1, 16, 8, 8)))
    assert conversion.report.converted == {"QTable": 1, "QMaxPool": 1}


def test_matmul_of_aligned_int8_needs_no_entry() -> None:
    net = Network("int8")
    net.matmul(net.eight_bit_input(["n", 5, 32]), net.unshaped_output("y", "int8", 3), 32, 7)
    conversion = convert(net.model(13), x=net.random((2, 5, 32)))
    assert ops(conversion.model) == {"QMatMul": 1, "ConvertFromIsland": 1}


def test_layouts_that_differ_cross_between() -> None:
    net = Network()
    c = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 16)
    net.matmul(c, net.unshaped_output("y", "uint8"), 8, 5)
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert conversion.report.entries == conversion.report.exits == conversion.report.islands == 2


@pytest.mark.parametrize(
    ("op_type", "attributes", "target"),
    [
        ("Flatten", {"axis": 1}, None),
        ("Flatten", {"axis": -3}, None),
        ("Reshape", {}, [0, -1]),
        ("Reshape", {}, [-1, 20]),
        ("Reshape", {}, [2, 20]),
        ("Reshape", {}, [-1, 0]),
    ],
)
def test_features_stay_inside(op_type: str, attributes: dict[str, Any], target: list[int] | None) -> None:
    net = Network()
    x = net.average(net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 20), "mean")
    shape = [] if target is None else [net.constant("shape", target, "int64")]
    x = net.node(op_type, [x, *shape], "flat", **attributes)
    net.matmul(x, net.unshaped_output("y", "uint8", 2), 20, 5)
    conversion = convert(net.model(14), x=net.random((2, 3, 8, 8)))
    assert not conversion.report.left
    assert ops(conversion.model)["Flatten"] == 1
    assert conversion.report.entries == conversion.report.exits == 1


@pytest.mark.parametrize("target", [[1, -1], [-1, 10], [-1]], ids=str)
def test_other_reshapes_stay(target: list[int]) -> None:
    net = Network()
    x = net.average(net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 20), "mean")
    net.node(
        "Reshape", [x, net.constant("shape", target, "int64")], net.unshaped_output("y", "uint8", len(target))
    )
    conversion = convert(net.model(14), x=net.random((2, 3, 8, 8)))
    assert "splits the channels, or may split them" in reasons(conversion)["y_node"]


def test_flatten_of_more_than_one_pixel_permutes_the_weights() -> None:
    net = Network()
    c = net.conv(net.eight_bit_input(["n", 3, 2, 2]), "c", 3, 20)
    net.matmul(net.node("Flatten", [c], "flat"), net.unshaped_output("y", "uint8", 2), 80, 5)
    conversion = convert(net.model(13), x=net.random((2, 3, 2, 2)))
    assert conversion.report.converted == {"QConv": 1, "Reshape": 1, "QMatMul": 1}
    assert (conversion.report.entries, conversion.report.exits) == (1, 1)


def test_constants_may_be_nodes() -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    net.nodes[:0] = [helper.make_node("Constant", [], [c.name], value=c) for c in net.constants]
    net.constants.clear()
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert ops(conversion.model) == {"ConvertToIsland": 1, "QConv": 1, "ConvertFromIsland": 1}


def test_initializers_that_are_inputs_are_no_constants() -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    model = net.model(13)
    (scale,) = [c for c in model.graph.initializer if c.name == "y_w_scale"]
    model.graph.input.append(helper.make_tensor_value_info(scale.name, scale.data_type, scale.dims))
    conversion = convert(model, x=net.random((2, 3, 8, 8)))
    assert reasons(conversion) == {
        "y_node": "its weight scale, y_w_scale, is an input with a default, which a caller may change: "
        "let it be an initializer alone, as --constant-defaults does"
    }


def test_unused_initializers_of_the_model_stay() -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    net.constant("of no use", 1, "float32")
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    names = {constant.name for constant in conversion.model.graph.initializer}
    assert names == {"of no use", "y_node/weight", "y_node/bias", "y_node/multiplier"}


def _if(net: Network, x: str, y: str) -> None:
    """y = a quantized convolution of x or x itself, by the input `choice`; x is of the outer graph."""
    inner = Network()
    inner.conv(x, "t", 5, 5)
    inner.constants = [c for c in inner.constants if c.name.startswith("t_")]
    for constant in inner.constants:
        constant.name = f"inner_{constant.name}"
    for index, name in enumerate(inner.nodes[0].input):
        if name.startswith("t_"):
            inner.nodes[0].input[index] = f"inner_{name}"
    info = [helper.make_tensor_value_info("t", onnx.TensorProto.UINT8, None)]
    other = [helper.make_tensor_value_info("e/island", onnx.TensorProto.UINT8, None)]
    net.input("choice", "bool", [])
    net.node(
        "If",
        ["choice"],
        y,
        then_branch=helper.make_graph(inner.nodes, "then", [], info, inner.constants),
        else_branch=helper.make_graph([helper.make_node("Identity", [x], ["e/island"])], "else", [], other),
    )


@pytest.mark.parametrize("choice", [True, False])
def test_what_a_body_reads_leaves_the_island(choice: bool) -> None:
    """And names in a body may look like those that the converter makes."""
    net = Network()
    e = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "e", 3, 5)
    _if(net, e, net.unshaped_output("y", "uint8"))
    net.dequantize(e, net.unshaped_output("z", "float32"))
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)), choice=np.array(choice))
    assert conversion.report.converted == {"QConv": 2}
    assert conversion.report.islands == 2
    assert reasons(conversion) == {
        "y_node": "qudnn has no op for it",
        "z_node": "its input leaves the island in 8 bits, for other consumers",
    }


@pytest.mark.parametrize("rename", [lambda _: "", lambda name: name + "/island"])
def test_names_of_nodes_may_be_empty_or_look_like_new_ones(rename: Callable[[str], str]) -> None:
    net = Network()
    a = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "a", 3, 5)
    pads = net.constant("pads", [0, 0, 1, 1, 0, 0, 1, 1], "int64")
    a = net.node("Pad", [net.conv(a, "a/island", 5, 5), pads], "i", mode="edge")
    net.conv(a, net.unshaped_output("y", "uint8"), 5, 5)
    for node in net.nodes:
        node.name = rename(node.name)
    conversion = convert(net.model(13), x=net.random((2, 3, 8, 8)))
    assert conversion.report.converted == {"QConv": 3, "Gather": 2}
    assert not conversion.report.left


def test_a_tensor_in_float16_enters_through_float32() -> None:
    net = Network()
    net.constant("scale16", 0.05, "float16")
    x = net.input("x", "float16", ["n", 3, 8, 8])
    x = net.node("QuantizeLinear", [x, "scale16", net.zero], "xq")
    net.node(
        "DequantizeLinear", [net.conv(x, "c", 3, 5), "scale16", net.zero], net.unshaped_output("y", "float16")
    )
    conversion = convert(net.model(19), x=floats(2, 3, 8, 8).astype(np.float16))
    assert reasons(conversion) == {}
    assert (conversion.report.entries, conversion.report.exits) == (1, 1)
    assert conversion.report.approximate == ()


def test_scale_of_shape_1_and_no_zero_point() -> None:
    net = Network()
    scale = net.constant("s", [0.25], "float32")
    x = net.node("QuantizeLinear", [net.input("x", "float32", ["n", 3, 8, 8]), scale], "xq")
    inputs = [x, scale, net.constant("z", 0, "uint8"), *net.weights("c", (5, 3, 1, 1), 5), scale, "z"]
    net.node(
        "DequantizeLinear", [net.node("QLinearConv", inputs, "c"), scale], net.unshaped_output("y", "float32")
    )
    conversion = convert(net.model(13), x=floats(2, 3, 8, 8))
    assert not conversion.report.left


def test_declarations_and_metadata_stay() -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.output("y", "uint8", ["n", 5, "h", "w"]), 3, 5)
    model = net.model(15)
    model.producer_name, model.model_version, model.doc_string, model.domain = "me", 7, "words", "here"
    model.graph.doc_string = "more words"
    helper.set_model_props(model, {"key": "value"})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    converted = convert(model, x=net.random((2, 3, 8, 8))).model
    for name in ("producer_name", "model_version", "doc_string", "domain"):
        assert getattr(converted, name) == getattr(model, name)
    assert converted.graph.doc_string == model.graph.doc_string
    properties = {entry.key: entry.value for entry in converted.metadata_props}
    assert properties.pop("qudnn.version")
    assert properties == {"key": "value"}
    # Nothing of com.microsoft is used any more; the opset is what it was.
    assert {o.domain: o.version for o in converted.opset_import} == {"": 15, "qudnn": 1}


def test_an_opset_that_cannot_be_raised_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    model = net.model(12)

    def fails(*_: object) -> None:
        raise RuntimeError("no adapter")

    monkeypatch.setattr(onnx.version_converter, "convert_version", fails)
    conversion = converter.convert(model)
    assert conversion.model is model
    assert reasons(conversion) == {"y_node": "the model's opset 12 could not be raised to 13"}


def test_converted_models_are_returned_as_they_are() -> None:
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    model = net.model(13)
    assert not converter.is_converted(model)
    once = converter.convert(model)
    assert converter.is_converted(once.model)
    twice = converter.convert(once.model)
    assert twice.model is once.model
    assert twice.report.already
    assert twice.report.converted == once.report.converted
    assert (twice.report.islands, twice.report.entries, twice.report.exits) == (1, 1, 1)


def _declined(**change: Array | None) -> Mapping[str, str]:
    """The reasons for a convolution, some constants of which are changed, or made inputs by None."""
    net = Network()
    net.conv(net.eight_bit_input(["n", 4, 8, 8]), net.unshaped_output("y", "uint8"), 4, 4)
    for name, value in change.items():
        net.constants = [constant for constant in net.constants if constant.name != name]
        if value is None:
            net.input(name, "int8", [4, 4, 1, 1])
        else:
            net.constant(name, value)
    return reasons(converter.convert(net.model(13)))


def test_reasons() -> None:
    reason = "its weight must be constant, not an input of the model: make it an initializer"
    assert _declined(y_w=None) == {"y_node": reason}
    assert _declined(zero_point=np.array(0, np.uint16)) == {
        "y_node": "its input is uint16, not 8 bits wide: no runtime computes that in integers; choose 8 bits "
        "in the tool that quantizes"
    }
    assert _declined(scale=np.ones(2, np.float32)) == {"y_node": "its input is not quantized per tensor"}
    assert _declined(scale=np.array(0, np.float32)) == {
        "y_node": "its input scale must be positive and finite"
    }
    assert _declined(scale=np.array(1, np.float16)) == {
        "y_node": "its input scale must be float32, not float16; choose float32 in the tool that quantizes"
    }
    assert _declined(y_w_scale=np.ones(3, np.float32)) == {"y_node": "it has 3 weight scales for 4 outputs"}
    assert _declined(y_bias=np.zeros(3, np.int32)) == {"y_node": "its bias is int32 [3], not int32 [4]"}


def test_bodies_of_functions_of_another_opset_are_left_alone() -> None:
    inner = Network()
    inner.conv("a", "b", 3, 3)
    constants = [helper.make_node("Constant", [], [c.name], value=c) for c in inner.constants]
    opsets = [helper.make_opsetid("", 14)]
    function = helper.make_function("mine", "Body", ["a"], ["b"], [*constants, *inner.nodes], opsets)
    net = Network()
    x = net.node("Body", [net.eight_bit_input(["n", 3, 8, 8])], "t", domain="mine")
    net.conv(x, net.unshaped_output("y", "uint8"), 3, 5)
    conversion = convert(net.model(15, [function]), x=net.random((2, 3, 8, 8)))
    assert conversion.report.converted == {"QConv": 1}
    assert reasons(conversion) == {
        "t_node": "qudnn has no op for it",
        "b_node": "it is in the body of a function that is not inlined",
    }


def test_a_model_that_imports_the_domain_is_not_converted_yet() -> None:
    """onnxruntime writes so where it saves a model in a process that has registered the library."""
    net = Network()
    x = net.eight_bit_input(["n", 3, 8, 8])
    net.conv(x, net.unshaped_output("y", "uint8"), 3, 5)
    model = net.model(13)
    model.opset_import.append(helper.make_opsetid("qudnn", 1000))
    assert not converter.is_converted(model)
    conversion = convert(model, x=net.random([2, 3, 8, 8]))
    assert conversion.report.converted == {"QConv": 1}
    assert {o.domain: o.version for o in conversion.model.opset_import}["qudnn"] == 1
