"""Outputs that are inputs, are listed twice or are missing, and operators without an input they need."""

import numpy as np
import onnx
import pytest
from networks import Network
from onnx import TensorProto

from cases.builder import MICROSOFT
from qudnn import converter
from session import open_session


def network() -> Network:
    net = Network()
    net.eight_bit_input(("n", 16, 4, 4))
    net.unshaped_output(net.conv("x", "y", 16, 16), "uint8")
    return net


@pytest.mark.parametrize("elem_type", [TensorProto.UNDEFINED, TensorProto.FLOAT])
def test_an_input_that_is_an_output_keeps_its_type(elem_type: int) -> None:
    """Though it has none there, or another one, which onnxruntime does not mind."""
    net = network()
    model = net.model(17)
    again = model.graph.output.add(name="x")
    if elem_type:
        again.type.tensor_type.elem_type = elem_type
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    assert list(conversion.model.graph.input) == list(model.graph.input)
    x = net.random((2, 16, 4, 4))
    for result in open_session(conversion.model).run(["x"], {"x": x}):
        assert np.array_equal(result, x)


@pytest.mark.parametrize("listed", ["yy", "yzy", "zyyz"])
def test_an_output_listed_several_times_is_so_still(listed: str) -> None:
    """z lies inside of the island as well."""
    net = Network()
    net.eight_bit_input(("n", 16, 4, 4))
    net.unshaped_output(net.conv("x", "z", 16, 16), "uint8")
    net.unshaped_output(net.conv("z", "y", 16, 16), "uint8")
    model = net.model(17)
    outputs = {value.name: value for value in model.graph.output}
    del model.graph.output[:]
    model.graph.output.extend(outputs[name] for name in listed)
    model.graph.output[-1].type.tensor_type.elem_type = TensorProto.FLOAT  # the first one is what counts
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 2}
    assert [value.name for value in conversion.model.graph.output] == list(listed)
    feed = {"x": net.random((2, 16, 4, 4))}
    got, want = (open_session(each).run(None, feed) for each in (conversion.model, model))
    assert len(got) == len(listed)
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))


def test_an_input_listed_twice_is_refused() -> None:
    model = network().model(17)
    model.graph.input.add().CopyFrom(model.graph.input[0])
    with pytest.raises(converter.ConversionError, match="input x is listed twice"):
        converter.convert(model)


def test_what_nothing_needs_is_not_converted_and_told() -> None:
    net = network()
    net.conv("x", "unused", 16, 16)
    conversion = converter.convert(net.model(17))
    assert conversion.report.converted == {"QConv": 1}
    (left,) = conversion.report.left
    assert (left.name, left.reason) == ("unused_node", "its result is unused")


def test_an_operator_that_ends_the_process() -> None:
    """onnxruntime reads the inputs of a QLinearLeakyRelu without asking how many there are."""
    net = Network()
    x = net.eight_bit_input(("n", 16, 4, 4))
    y = net.node("QLinearLeakyRelu", [x, *net.quantized, net.scale], "y", MICROSOFT)
    net.unshaped_output(y, "uint8")
    model = net.model(17)
    assert isinstance(model, onnx.ModelProto)
    conversion = converter.convert(model)
    (left,) = conversion.report.left
    assert "its last input is missing" in left.reason
