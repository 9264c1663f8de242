"""Convolutions between DequantizeLinear and QuantizeLinear."""

from typing import Any

import numpy as np
import pytest
from onnx import helper
from qdq_networks import RESULT_SCALE, SCALE, WEIGHT_SCALE, QdqNetwork, assert_converts, reasons

import check
from cases.builder import integers
from qudnn import converter

CONV = {"QConv": 1}


@pytest.mark.parametrize("domain", ["", "com.microsoft"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("bias", [None, "int32", "float"])
def test_conv(dtype: str, axis: int | None, bias: str | None, domain: str) -> None:
    net = QdqNetwork(dtype, domain)
    net.y(net.conv(net.x(), bias=bias, axis=axis))
    assert_converts(net.model(), CONV)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("activation", [None, "Relu"])
def test_volume(dtype: str, axis: int | None, activation: str | None) -> None:
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", 4, 3, 6, 5)), net.weights("c_w", (6, 2, 3, 3, 2), axis)]
    y = net.node("Conv", [*inputs, net.int32_bias("c_b", "c_w", 6)], "c", pads=[1, 0, 1, 2, 1, 0], group=2)
    if activation is not None:
        y = net.node(activation, [y], "r")
    net.y(y, zero_point=0 if activation else 131, rank=5)
    report = assert_converts(net.model(), {"QConv3D": 1}, (4, 3, 6, 5))
    assert (report.entries, report.exits) == (1, 1)


def test_pad_before_a_volume_is_the_convolution_s_own() -> None:
    net = QdqNetwork()
    pads = net.constant("pads", [0, 0, 1, 0, 2, 0, 0, 0, 1, 0], "int64")
    x = net.pair(net.node("Pad", [net.x(("n", 4, 3, 6, 5)), pads], "p"), "p_q", SCALE, 119)
    net.y(net.node("Conv", [x, net.weights("c_w", (6, 4, 3, 3, 3), 0)], "c"), rank=5)
    assert_converts(net.model(), {"QConv3D": 1}, (4, 3, 6, 5))


@pytest.mark.parametrize("opset", [10, 13, 17, 19, 21, 23])
def test_opsets(opset: int) -> None:
    net = QdqNetwork()
    net.y(net.conv(net.x(), axis=None))
    assert_converts(net.model(opset), CONV)


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", 3), ("uint8", 128)])
@pytest.mark.parametrize("axis", [None, 0])
def test_zero_points_of_weights(dtype: str, zero_point: int, axis: int | None) -> None:
    net = QdqNetwork()
    net.y(net.conv(net.x(), axis=axis, dtype=dtype, zero_point=zero_point))
    for constant in net.constants:
        if constant.name == "c_w_8":  # less their zero point they have to fit int8
            constant.raw_data = bytes(
                value // 2 + (64 if dtype == "uint8" else 0) for value in constant.raw_data
            )
    assert_converts(net.model(), CONV)


@pytest.mark.parametrize("axis", [None, 0])
def test_float_weights_are_quantized_as_the_model_does(axis: int | None) -> None:
    net = QdqNetwork()
    x = net.x()
    count = [] if axis is None else [6]
    scale = WEIGHT_SCALE * net.rng.uniform(0.5, 1.5, count)
    parameters = [net.constant("s", scale, "float32"), net.constant("z", np.zeros(count), "int8")]
    attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
    w = net.constant("w", net.rng.normal(0, 60 * WEIGHT_SCALE, (6, 4, 3, 3)), "float32")
    net.node("QuantizeLinear", [w, *parameters], "w_8", **attributes)
    net.y(net.node("Conv", [x, net.dequantize("w_8", parameters, "w_dq", **attributes)], "c"))
    assert_converts(net.model(), CONV)


def test_constants_may_be_nodes() -> None:
    net = QdqNetwork()
    net.y(net.conv(net.x(), bias="float"))
    net.nodes[:0] = [helper.make_node("Constant", [], [c.name], value=c) for c in net.constants]
    net.constants.clear()
    assert_converts(net.model(), CONV)


def test_constants_may_be_shared_through_identities() -> None:
    net = QdqNetwork()
    net.y(net.conv(net.x()))
    for constant in list(net.constants):
        copy = f"{constant.name}/copy"
        for node in net.nodes:
            node.input[:] = [copy if name == constant.name else name for name in node.input]
        net.nodes.insert(0, helper.make_node("Identity", [constant.name], [copy]))
    assert_converts(net.model(), CONV)


def test_without_zero_points() -> None:
    net = QdqNetwork()
    scale = net.constant("s", SCALE, "float32")
    x = net.dequantize(
        net.node("QuantizeLinear", [net.input("x", "float32", ["n", 4, 9, 8]), scale], "q"), [scale], "d"
    )
    c = net.node("Relu", [net.conv(x)], "r")
    net.dequantize(
        net.node("QuantizeLinear", [c, scale], "p"), [scale], net.output("y", "float32", list("nchw"))
    )
    assert_converts(net.model(), CONV)


@pytest.mark.parametrize(
    ("activation", "bounds", "scale", "zero_point", "exact"),
    [
        ("Relu", [], RESULT_SCALE, 0, True),  # the zero point does what Relu does
        ("Relu", [], RESULT_SCALE, 131, False),
        ("Clip", [0.0, 6.0], 6 / 255, 0, True),
        ("Clip", [0.0, 6.0], 0.02, 0, True),
        ("Clip", [0.0, 6.0], RESULT_SCALE, 0, False),
        ("Clip", [-1.0, 2.5], RESULT_SCALE, 131, False),
        ("Clip", [-100.0], RESULT_SCALE, 131, True),
        ("Identity", [], RESULT_SCALE, 131, True),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_activations(
    activation: str, bounds: list[float], scale: float, zero_point: int, exact: bool, dtype: str
) -> None:
    """onnxruntime drops those that quantization implies; otherwise it computes in float32."""
    net = QdqNetwork(dtype)
    inputs = [net.constant(f"bound{i}", bound, "float32") for i, bound in enumerate(bounds)]
    net.y(net.node(activation, [net.conv(net.x()), *inputs], "a"), scale, zero_point)
    report = assert_converts(net.model(), CONV, exact=exact)
    if not exact:
        assert [entry.name for entry in report.approximate] == ["c_node"]
        assert "clips more" in str(report)


def test_one_tensor_for_several() -> None:
    """The convolutions share a DequantizeLinear. onnxruntime takes it apart, and leaves int8 alone then."""
    for dtype, exact in ("uint8", True), ("int8", False):
        net = QdqNetwork(dtype)
        x = net.x()
        net.y(net.conv(x, "a"))
        net.y(net.conv(x, "b"))
        report = assert_converts(net.model(), {"QConv": 2}, exact=exact)
        assert (report.entries, report.exits) == (1, 2)


def test_chain() -> None:
    net = QdqNetwork("int8")
    x = net.x()
    for layer in "abc":
        c = net.node("Conv", [x, net.weights(f"{layer}_w", (4, 4, 3, 3), 0)], layer, group=1, pads=[1] * 4)
        x = net.pair(net.node("Relu", [c], f"{layer}_r"), f"{layer}_q", RESULT_SCALE * 4, 0)
    net.y(net.conv(x, "last", bias="float"))
    assert_converts(net.model(), {"QConv": 4})


def test_in_and_out_in_8_bits() -> None:
    net = QdqNetwork()
    x = net.dequantize(net.input("x", "uint8", ["n", 4, 9, 8]), net.parameters("x", SCALE, 119, "uint8"), "d")
    net.node("QuantizeLinear", [net.conv(x), *net.parameters("y", RESULT_SCALE, 131, "uint8")], "y")
    net.output("y", "uint8", ["n", 6, 8, 8])
    conversion = converter.convert(net.model())
    assert conversion.report.converted == CONV
    assert not conversion.report.left
    values = integers(np.random.default_rng(1), "uint8", (2, 4, 9, 8))
    check.assert_equivalent(net.model(), conversion.model, [{"x": values}])


def _left(**change: Any) -> str:
    net = QdqNetwork()
    net.y(net.conv(net.x(), **change))
    return reasons(net.model())["c_node"]


def _volume() -> tuple[QdqNetwork, str]:
    net = QdqNetwork()
    x = net.x(("n", 4, 3, 6, 5))
    return net, net.node("Conv", [x, net.weights("c_w", (6, 4, 3, 3, 3), 0)], "c")


def test_reasons() -> None:
    net, c = _volume()
    net.node("Sqrt", [c], net.output("y", "float32", list("ncdhw")))
    assert reasons(net.model(), 4, 3, 6, 5)["c_node"] == "Sqrt consumes its result in floating point"
    net, c = _volume()
    net.y(c, rank=5)
    net.node("Relu", [c], net.output("z", "float32", list("ncdhw")))
    assert (
        reasons(net.model(), 4, 3, 6, 5)["c_node"]
        == "its result has consumers in floating point beside QuantizeLinear"
    )
    net = QdqNetwork()
    net.y(
        net.node("Conv", [net.input("x", "float32", ["n", 4, 9, 8]), net.weights("w", (6, 4, 3, 3), 0)], "c")
    )
    assert (
        reasons(net.model())["c_node"]
        == "its weights are stored in 8 bits or fewer, but its other input is in floating point; "
        "--quantize-activations quantizes that at run time"
    )


def test_a_quantized_operator_that_stays_is_still_one_to_onnxruntime() -> None:
    """Its Q and DQ must not become a part of the entry and the exit beside it: its bits would change."""
    net = QdqNetwork()
    x = net.pair(net.conv(net.x()), "c_q", RESULT_SCALE, 131)
    w = net.weights("w", (6, 6, 1, 1), 1)  # onnxruntime does not look at the axis
    x = net.pair(net.node("Conv", [x, w], "stays"), "stays_q", RESULT_SCALE * 3, 120)
    net.y(net.node("Conv", [x, net.weights("v", (6, 6, 1, 1), 0)], "e"), RESULT_SCALE * 9)
    assert reasons(net.model()) == {
        "stays_node": "its weights are quantized along axis 1, which is not that of the outputs"
    }
