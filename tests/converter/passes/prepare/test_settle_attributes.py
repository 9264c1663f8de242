"""Flags other than 0 and 1, types named twice: attributes that onnxruntime does not take as ONNX does."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper
from qdq_networks import QdqNetwork, normal

from qudnn import converter
from session import assert_same_bits, open_session, outputs

Make = Callable[[QdqNetwork, str, int], str]  # net, a convolution's result, the flag -> what is quantized


def _reshape(net: QdqNetwork, x: str, flag: int) -> str:
    return net.node("Reshape", [x, net.constant("to", [0, 6, 8, 7], "int64")], "y", allowzero=flag)


def _max_pool(net: QdqNetwork, x: str, flag: int) -> str:
    return net.node("MaxPool", [x], "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=flag)


def _average_pool(net: QdqNetwork, x: str, flag: int) -> str:
    return net.node("AveragePool", [x], "y", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=flag)


def _count(net: QdqNetwork, x: str, flag: int) -> str:
    return net.node("AveragePool", [x], "y", kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=flag)


def _mean(net: QdqNetwork, x: str, flag: int) -> str:
    return net.node("ReduceMean", [x], "y", axes=[2, 3], keepdims=flag)


def _order(net: QdqNetwork, x: str, flag: int) -> str:
    return net.node("MaxPool", [x], "y", kernel_shape=[3, 3], storage_order=flag)


MAKE = {
    "allowzero": _reshape,
    "max_ceil_mode": _max_pool,
    "average_ceil_mode": _average_pool,
    "count_include_pad": _count,
    "keepdims": _mean,
    "storage_order": _order,
}


@pytest.mark.parametrize("flag", [0, 1, 2, -1])
@pytest.mark.parametrize("make", MAKE)
def test_flags(make: str, flag: int) -> None:
    net = QdqNetwork()
    x = net.pair(net.conv(net.x(["n", 4, 8, 8])), "c_q", 0.0893, 131)
    y = net.pair(MAKE[make](net, x, flag), "y_out", 0.0893, 131)
    net.output(y, "float32", ["a", "b"] if make == "keepdims" and flag != 1 else ["a", "b", "c", "d"])
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if make == "allowzero" and flag == 1:
        return  # a size of 0, which no input has
    conversion = converter.convert(model)
    assert conversion.report.converted["QConv"] == 1
    inputs = {"x": normal(2, 4, 8, 8)}
    sessions = [open_session(m) for m in (conversion.model, model)]
    assert_same_bits(*(outputs(session, inputs) for session in sessions))


def test_a_type_named_twice_is_named_once() -> None:
    """The QuantizeLinear stays, for it has an 8-bit consumer; alone it would be refused as int8."""
    net = QdqNetwork("int8")
    x = net.x()
    net.y(net.conv(x))
    net.output("again", "float32", ["n", 4, "h", "w"])
    net.dequantize("x_q/quantized", ["x_q_scale", "x_q_zero_point"], "again")
    net.output("turned", "int8", ["n", "h", "w", 4])
    net.node("Transpose", ["x_q/quantized"], "turned", perm=[0, 2, 3, 1])
    older = net.model(20)
    quantize = next(node for node in net.nodes if node.op_type == "QuantizeLinear")
    quantize.attribute.append(helper.make_attribute("output_dtype", onnx.TensorProto.INT8))
    conversion = converter.convert(net.model(21))
    assert conversion.report.converted["QConv"] == 1
    names = {attribute.name for node in conversion.model.graph.node for attribute in node.attribute}
    assert "output_dtype" not in names
    inputs = {"x": normal(2, 4, 9, 8)}
    assert_same_bits(*(outputs(open_session(m), inputs) for m in (conversion.model, older)))


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_zero_point_left_out_has_the_type_of_its_input(dtype: str) -> None:
    """uint8 numbers, dequantized without a zero point, are not those of the int8 pair between Transposes."""
    net = QdqNetwork("int8")
    scale = net.constant("scale", 0.0471, "float32")
    x = net.node("DequantizeLinear", [net.input("x", dtype, ["n", 4, 8, 9]), scale], "x_dq")
    x = net.pair(net.node("Transpose", [x], "there", perm=[0, 1, 3, 2]), "there_q", 0.0471, 128)
    net.y(net.conv(net.node("Transpose", [x], "back", perm=[0, 1, 3, 2])))
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted["QConv"] == 1
    bounds = np.iinfo(dtype)
    values = np.random.default_rng(0).integers(bounds.min, bounds.max, (2, 4, 8, 9), dtype, endpoint=True)
    sessions = [open_session(m) for m in (conversion.model, model)]
    assert_same_bits(*(outputs(session, {"x": values}) for session in sessions))
