"""Models of old opsets, raised: their weights, inputs and functions."""

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from networks import Network
from onnx import helper

from qudnn import converter
from qudnn.converter.passes.prepare import raise_opset
from session import CPU, assert_same_bits, open_session, outputs


def model_of(opset: int) -> tuple[Network, onnx.ModelProto]:
    """What changed on the way to opset 13: bounds and axes became inputs, Softmax another operator."""
    net = Network()
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 600)
    f = net.dequantize(x, "d")
    if opset >= 11:
        bounds = [net.constant(name, np.float32(value), "float32") for name, value in (("lo", 0), ("hi", 6))]
        f = net.node("Clip", [f, *bounds], "clipped")
    else:
        f = net.node("Clip", [f], "clipped", min=0.0, max=6.0)
    f = net.node("Squeeze", [net.node("ReduceSum", [f], "sum", axes=[2, 3], keepdims=1)], "v", axes=[2, 3])
    net.output(net.node("Softmax", [f], "s", axis=1), "float32", ["n", 600])
    return net, net.model(opset)


@pytest.mark.parametrize("opset", [10, 11, 12])
def test_the_converted_model_gives_the_same_bits(opset: int) -> None:
    net, model = model_of(opset)
    conversion = converter.convert(model)
    assert conversion.report.converted["QConv"] == 1
    assert {o.domain: o.version for o in conversion.model.opset_import}[""] == 13
    feeds = {"x": net.random((2, 3, 8, 8))}
    sessions = [open_session(each, CPU) for each in (model, conversion.model)]
    assert_same_bits(*(outputs(session, feeds) for session in sessions))


@pytest.mark.parametrize("weights_are_inputs", [False, True])
def test_weights_and_inputs_are_what_they_were(
    monkeypatch: pytest.MonkeyPatch, weights_are_inputs: bool
) -> None:
    """Large weights do not pass through ONNX's converter; those that a caller may replace stay inputs."""
    _, model = model_of(11)
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert any(array.nbytes > raise_opset._SMALL for array in weights.values())
    if weights_are_inputs:
        for tensor in model.graph.initializer:
            model.graph.input.append(
                helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            )
    names = [value.name for value in model.graph.input]
    seen, convert_version = [], onnx.version_converter.convert_version

    def watched(given: onnx.ModelProto, target: int) -> onnx.ModelProto:
        seen.append(given.ByteSize())
        return convert_version(given, target)

    monkeypatch.setattr(onnx.version_converter, "convert_version", watched)
    raised = ir.from_proto(model)
    raised.graph = raise_opset._with_weights(
        ir.from_proto(onnx.version_converter.convert_version(raise_opset._without_weights(raised), 13)).graph,
        raised.graph,
    )
    assert seen and seen[0] < model.ByteSize() / 2
    proto = ir.to_proto(raised)
    assert [value.name for value in proto.graph.input] == names
    kept = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for name, array in weights.items():
        np.testing.assert_array_equal(kept[name], array)
    onnx.checker.check_model(proto, full_check=True)
