"""What leaves an island and is moved in floating point, or enters so, in opsets in which onnxruntime errs.

From opset 21 on onnxruntime 1.31 puts QuantizeLinear nodes that name their type after what moves a
dequantized tensor, and refuses them once it has made int8 uint8: no model is to come to that by conversion.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
from qdq_networks import QdqNetwork, normal

from cases.builder import Array
from qudnn import converter
from session import assert_same_bits, open_session, outputs

Tail = Callable[[QdqNetwork, str, str], str]  # net, what is dequantized, a name -> float32
OPSETS = range(21, 27)
BEFORE = 20  # the newest opset before the fault
SHAPE = (4, 9, 8)


def _to(net: QdqNetwork, x: str, y: str, *sizes: int) -> str:
    return net.node("Reshape", [x, net.constant(f"{y}_to", sizes, "int64")], y)


def _slice(net: QdqNetwork, x: str, y: str) -> str:
    bounds = [net.constant(f"{y}_{what}", [n], "int64") for what, n in (("s", 1), ("e", 4), ("a", 1))]
    return net.node("Slice", [x, *bounds], y)


def _sigmoid(net: QdqNetwork, x: str, y: str) -> str:
    return net.node("Sigmoid", [x], y)


def _unsqueeze(net: QdqNetwork, x: str, y: str) -> str:
    return net.node("Unsqueeze", [x, net.constant(f"{y}_axes", [1], "int64")], y)


def _squeeze(net: QdqNetwork, x: str, y: str) -> str:
    longer = _unsqueeze(net, net.node("Exp", [x], f"{y}_exp"), f"{y}_longer")
    return net.node("Squeeze", [longer, f"{y}_longer_axes"], y)


def _matmul(net: QdqNetwork, x: str, y: str) -> str:
    weights = net.constant(f"{y}_w", net.rng.normal(0, 1, (8, 3)), "float32")
    return net.node("MatMul", [_to(net, x, f"{y}_x", 0, -1, 8), weights], y)


TAILS: dict[str, Tail] = {
    "reshape": lambda net, x, y: _to(net, x, y, 0, 6, -1),
    "reshape_sigmoid": lambda net, x, y: _sigmoid(net, _to(net, x, f"{y}_x", 0, 6, -1), y),
    "transpose": lambda net, x, y: net.node("Transpose", [x], y, perm=[0, 2, 3, 1]),
    "transpose_reshape": lambda net, x, y: _to(
        net, net.node("Transpose", [x], f"{y}_t", perm=[0, 2, 3, 1]), y, 0, -1, 6
    ),
    "slice": lambda net, x, y: _sigmoid(net, _slice(net, x, f"{y}_s"), y),
    "unsqueeze": lambda net, x, y: _sigmoid(net, _unsqueeze(net, x, f"{y}_u"), y),
    "squeeze": _squeeze,
    "maxpool": lambda net, x, y: _sigmoid(net, net.node("MaxPool", [x], f"{y}_m", kernel_shape=[2, 2]), y),
    "flatten": lambda net, x, y: net.node("Flatten", [x], y),
    "matmul": _matmul,
    "sigmoid": _sigmoid,
    "exp": lambda net, x, y: net.node("Exp", [_to(net, x, f"{y}_x", 0, -1)], y),
}


RANKS = {
    "exp": 2,
    "flatten": 2,
    "maxpool": 4,
    "sigmoid": 4,
    "slice": 4,
    "squeeze": 4,
    "transpose": 4,
    "unsqueeze": 5,
}


@cache
def tails(dtype: str, opset: int) -> onnx.ModelProto:
    """A convolution for each tail."""
    net = QdqNetwork(dtype)
    x = net.x()
    for name, tail in TAILS.items():
        y = tail(net, net.pair(net.conv(x, f"c_{name}"), f"q_{name}", 0.09, 131), name)
        net.output(y, "float32", _unknown(y, RANKS.get(name, 3)))
    return net.model(opset)


@cache
def heads(dtype: str, opset: int) -> onnx.ModelProto:
    """A convolution of each tail of something else, quantized."""
    net = QdqNetwork(dtype)
    x = net.node("Exp", [net.input("x", "float32", ["n", *SHAPE])], "exp")
    ends: dict[str, Tail] = {
        "reshape": lambda net, x, y: _to(net, x, y, 0, 4, 8, 9),
        "transpose": lambda net, x, y: net.node("Transpose", [x], y, perm=[0, 1, 3, 2]),
        "maxpool": lambda net, x, y: net.node("MaxPool", [x], y, kernel_shape=[2, 2]),
        "both": lambda net, x, y: _to(
            net, net.node("Transpose", [x], f"{y}_t", perm=[0, 2, 3, 1]), y, 0, 4, 8, 9
        ),
    }
    for name, end in ends.items():
        net.y(net.conv(net.pair(end(net, x, f"h_{name}"), f"hq_{name}", 0.0471, 119), f"c_{name}"))
    return net.model(opset)


@cache
def shared(dtype: str, opset: int) -> onnx.ModelProto:
    """Pairs that a convolution and a tail share: the same DequantizeLinear, or only the 8-bit tensor."""
    net = QdqNetwork(dtype)
    x = net.x()
    net.y(net.conv(x, "c"))
    net.output(_sigmoid(net, _to(net, x, "x_to", 0, 4, -1), "a"), "float32", _unknown("a", 3))
    parameters = [f"x_q_{what}" for what in ("scale", "zero_point")]
    z = net.dequantize("x_q/quantized", parameters, "x_again")
    net.output(_sigmoid(net, _to(net, z, "z_to", 0, 4, -1), "b"), "float32", _unknown("b", 3))
    net.y(net.conv(z, "d"))
    # The type is named, as the zero point has it.
    for node in net.nodes:
        if node.op_type == "QuantizeLinear" and opset > BEFORE:
            dtypes = {"uint8": onnx.TensorProto.UINT8, "int8": onnx.TensorProto.INT8}
            node.attribute.append(onnx.helper.make_attribute("output_dtype", dtypes[dtype]))
    return net.model(opset)


def _unknown(name: str, rank: int) -> list[str]:
    return [f"{name}_{axis}" for axis in range(rank)]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("network", [tails, heads, shared])
def test_opens_with_the_bits_of_before(
    network: Callable[[str, int], onnx.ModelProto], opset: int, dtype: str
) -> None:
    """Where onnxruntime refuses the original, the bits are those of the same nodes in an older opset."""
    model = network(dtype, opset)
    conversion = converter.convert(model)
    assert conversion.report.converted["QConv"] == sum(node.op_type == "Conv" for node in model.graph.node)
    inputs = {"x": normal(2, *SHAPE)}
    assert_same_bits(
        outputs(open_session(conversion.model), inputs), _expected(network, opset, dtype, inputs)
    )


def _expected(
    network: Callable[[str, int], onnx.ModelProto], opset: int, dtype: str, inputs: dict[str, Array]
) -> dict[str, Array]:
    try:
        return outputs(open_session(network(dtype, opset)), inputs)
    except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
        assert dtype == "int8", error
        assert "output_dtype INT8 does not match" in str(error)
        return outputs(open_session(network(dtype, BEFORE)), inputs)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("opset", OPSETS)
def test_group_normalization_is_inlined(opset: int, dtype: str) -> None:
    """Its function begins with a Reshape, which onnxruntime sees."""
    net = QdqNetwork(dtype)
    rows = [net.constant(name, np.full(6, number), "float32") for name, number in (("g", 1.5), ("b", 0.25))]
    x = net.pair(net.conv(net.x()), "c_q", 0.09, 131)
    net.output("y", "float32", ["n", 6, "h", "w"])
    net.node("GroupNormalization", [x, *rows], "y", num_groups=2)
    model = net.model(opset)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    inputs = {"x": normal(2, *SHAPE)}
    assert_same_bits(*(outputs(open_session(m), inputs) for m in (conversion.model, model)))
