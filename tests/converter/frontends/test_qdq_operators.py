"""Operators other than convolutions between DequantizeLinear and QuantizeLinear."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from qdq_networks import RESULT_SCALE, SCALE, QdqNetwork, assert_converts, normal, reasons

import check
from qudnn import converter

DTYPES = pytest.mark.parametrize("dtype", ["uint8", "int8"])


@DTYPES
@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("bias", [None, "int32", "float"])
@pytest.mark.parametrize("transposed", [True, False])
def test_gemm(dtype: str, axis: int | None, bias: str | None, transposed: bool) -> None:
    net = QdqNetwork(dtype)
    if axis is not None and not transposed:
        axis = 1
    shape = (5, 20) if transposed else (20, 5)
    inputs = [net.x(("n", 20)), net.weights("w", shape, axis)]
    if bias == "int32":
        inputs.append(net.int32_bias("b", "w", 5))
    elif bias == "float":
        inputs.append(net.constant("b", net.rng.normal(0, 1, 5), "float32"))
    net.y(net.node("Gemm", inputs, "g", transB=int(transposed)), rank=2)
    assert_converts(net.model(), {"QMatMul": 1}, (20,))


@pytest.mark.parametrize("bias", [None, "int32", "float"])
@pytest.mark.parametrize("shape", [("n", 20), (2, 7, 20), ("n", 7, 20)])
def test_matmul(shape: tuple[int | str, ...], bias: str | None) -> None:
    """With a bias after it, onnxruntime makes a Gemm of it, where it knows all sizes or there are two."""
    net = QdqNetwork()
    y = net.node("MatMul", [net.x(shape), net.weights("w", (20, 5), 1)], "m")
    if bias is not None:
        b = (
            net.constant("b", net.rng.normal(0, 1, 5), "float32")
            if bias == "float"
            else net.int32_bias("b", "w", 5)
        )
        y = net.node("Add", [y, b], "a")
    net.y(net.node("Relu", [y], "r"), zero_point=0, rank=len(shape))
    exact = bias is None or shape != ("n", 7, 20)
    sizes = [int(size) for size in shape[1:]]
    if shape[0] != "n":  # for the one batch size that it has
        assert reasons(net.model(), *sizes) == {}
        return
    assert_converts(net.model(), {"QMatMul": 1}, sizes, exact)


def test_weights_may_be_transposed() -> None:
    net = QdqNetwork()
    w = net.node("Transpose", [net.weights("w", (5, 20), 0)], "t", perm=[1, 0])
    net.y(net.node("MatMul", [net.x(("n", 20)), w], "m"), rank=2)
    assert_converts(net.model(), {"QMatMul": 1}, (20,))


@DTYPES
@pytest.mark.parametrize(("op_type", "op"), [("Add", "QAdd"), ("Mul", "QMul")])
def test_pairs(op_type: str, op: str, dtype: str) -> None:
    net = QdqNetwork(dtype)
    y = net.node(op_type, [net.x(), net.x(name="z")], "s")
    net.y(net.node("Relu", [y], "r"), RESULT_SCALE * 4, 0)
    assert_converts(net.model(), {op: 1})


@DTYPES
@pytest.mark.parametrize("shape", [("n", 4, 9, 8), ("n", 4, 1, 1), ("n", 1, 1, 8)])
@pytest.mark.parametrize(
    ("op_type", "ops"),
    [
        ("Sub", {"QTableAdd": 1}),
        ("Sum", {"QTableAdd": 1}),
        ("Div", {"QTableDiv": 1}),
        ("Max", {"QTableAdd": 2}),
        ("Min", {"QTableAdd": 2}),
    ],
)
def test_pairs_without_an_integer_form(
    op_type: str, ops: dict[str, int], shape: tuple[int | str, ...], dtype: str
) -> None:
    net = QdqNetwork(dtype)
    inputs = [net.x(), net.x(shape, name="z")]
    if op_type == "Div":
        inputs[1] = net.node("Exp", [inputs[1]], "e")
    net.y(net.node("Relu", [net.node(op_type, inputs, "s")], "r"))
    original = net.model()
    conversion = converter.convert(original)
    assert not conversion.report.left
    assert {op: n for op, n in conversion.report.converted.items() if op.startswith("Q")} == ops
    assert not conversion.report.approximate
    sizes = [2, *(int(size) for size in shape[1:])]
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 8), "z": normal(*sizes)}])


@DTYPES
def test_quotients_that_are_no_numbers(dtype: str) -> None:
    """0 / 0 is quantized to the least number; an activation before that keeps it."""
    net = QdqNetwork(dtype)
    net.y(net.node("Div", [net.x(), net.x(name="z")], "s"))
    assert_converts(net.model(), {"QTableDiv": 1})
    net = QdqNetwork(dtype)
    net.y(net.node("Relu", [net.node("Div", [net.x(), net.x(name="z")], "s")], "r"))
    assert reasons(net.model())["s_node"] == (
        "its quotient may be no number, which the activation after it keeps"
    )


@pytest.mark.parametrize(("op_type", "op"), [("Add", "QAdd"), ("Mul", "QMul")])
def test_pairs_with_constants(op_type: str, op: str) -> None:
    net = QdqNetwork()
    net.y(net.node(op_type, [net.x(), net.weights("w", (4, 1, 1), dtype="uint8", zero_point=100)], "s"))
    assert_converts(net.model(), {op: 1})


@DTYPES
@pytest.mark.parametrize(
    ("op_type", "attributes", "op"),
    [
        ("AveragePool", {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1]}, "QAveragePool"),
        ("AveragePool", {"kernel_shape": [3, 3], "pads": [1] * 4, "count_include_pad": 1}, "QAveragePool"),
        ("GlobalAveragePool", {}, "QGlobalAveragePool"),
    ],
)
def test_average_pools(op_type: str, attributes: dict[str, Any], op: str, dtype: str) -> None:
    net = QdqNetwork(dtype)
    net.y(net.node(op_type, [net.x()], "p", **attributes), 0.05)
    assert_converts(net.model(), {op: 1})


@DTYPES
@pytest.mark.parametrize(
    ("op_type", "attributes", "op"),
    [
        (
            "AveragePool",
            {"kernel_shape": [3, 2, 1], "strides": [2, 1, 1], "pads": [1, 0, 0, 1, 1, 0]},
            "QAveragePool3D",
        ),
        (
            "AveragePool",
            {"kernel_shape": [2, 3, 3], "pads": [1] * 6, "count_include_pad": 1},
            "QAveragePool3D",
        ),
        ("AveragePool", {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2], "ceil_mode": 1}, "QAveragePool3D"),
        (
            "AveragePool",
            {"kernel_shape": [2, 3, 2], "strides": [2, 1, 2], "auto_pad": "SAME_LOWER"},
            "QAveragePool3D",
        ),
        ("GlobalAveragePool", {}, "QGlobalAveragePool"),
    ],
)
def test_pools_of_volumes(op_type: str, attributes: dict[str, Any], op: str, dtype: str) -> None:
    net = QdqNetwork(dtype)
    x = net.x(("n", 4, 5, 7, 6))
    net.y(net.node(op_type, [x], "p", **attributes), 0.05, rank=5)
    assert_converts(net.model(), {op: 1}, (4, 5, 7, 6))


@DTYPES
def test_pools_of_volumes_in_a_row(dtype: str) -> None:
    net = QdqNetwork(dtype)
    x = net.node("AveragePool", [net.x(("n", 4, 5, 7, 6))], "a", kernel_shape=[2, 2, 2])
    y = net.node("MaxPool", [net.pair(x, "mean", 0.05, 131)], "m", kernel_shape=[2, 3, 2], strides=[2, 1, 2])
    net.y(y, 0.05, 131, rank=5)
    assert_converts(net.model(), {"QAveragePool3D": 1, "QMaxPool3D": 1}, (4, 5, 7, 6))


@pytest.mark.parametrize("keepdims", [0, 1])
def test_mean_over_volumes(keepdims: int) -> None:
    net = QdqNetwork()
    x = net.x(("n", 4, 5, 7, 6))
    mean = net.node("ReduceMean", [x], "m", axes=[2, 3, 4], keepdims=keepdims)
    net.y(mean, 0.005, rank=2 + 3 * keepdims)
    ops = {"QGlobalAveragePool": 1, **({} if keepdims else {"Flatten": 1})}
    assert_converts(net.model(), ops, (4, 5, 7, 6), exact=False)


@pytest.mark.parametrize("keepdims", [0, 1])
def test_mean_over_space(keepdims: int) -> None:
    net = QdqNetwork()
    net.y(
        net.node("ReduceMean", [net.x()], "m", axes=[2, 3], keepdims=keepdims), 0.005, rank=2 + 2 * keepdims
    )
    ops = {"QGlobalAveragePool": 1, **({} if keepdims else {"Flatten": 1})}
    report = assert_converts(net.model(), ops, exact=False)
    assert (
        report.approximate[0].reason
        == "onnxruntime computes it in float32: results may differ by one quantum"
    )


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axes", [[1], [-2]])
def test_mean_over_rows(axes: list[int], keepdims: int) -> None:
    """As transformers without a class token end, their channels along the last axis."""
    net = QdqNetwork()
    x = net.node("MatMul", [net.x(("n", 9, 8)), net.weights("w", (8, 20))], "matmul")
    mean = net.node("ReduceMean", [net.pair(x, "q", 0.08, 131)], "m", axes=axes, keepdims=keepdims)
    x = net.node("MatMul", [net.pair(mean, "mean", 0.02, 131), net.weights("v", (20, 30))], "head")
    net.y(x, 0.05, rank=2 + keepdims)
    ops = {"QMatMul": 2, "QGlobalAveragePool": 1, "Unsqueeze": 1, "Squeeze": 1}
    if not keepdims:
        ops["Flatten"] = 1
    assert_converts(net.model(), ops, (9, 8), exact=False, scale=0.05)


def test_mean_of_another_scale_by_far_stays() -> None:
    """Its op's body, onnxruntime's QLinearGlobalAveragePool, would fail."""
    net = QdqNetwork()
    mean = net.pair(net.node("ReduceMean", [net.x()], "m", axes=[2, 3]), "q", SCALE / (72 * 256), 131)
    net.y(net.node("Relu", [mean], "r"))
    assert "scales that differ so much" in reasons(net.model())["m_node"]


def test_types_and_shapes_after_pairs_of_the_other_domain() -> None:
    net = QdqNetwork(domain="com.microsoft")
    x = net.pair(net.node("Flatten", [net.pair(net.x(), "q", RESULT_SCALE, 90)], "f"), "fq", SCALE, 119)
    net.y(net.node("Tanh", [net.node("Relu", [x], "r")], "t"), rank=2)
    assert not reasons(net.model())


def test_sum_with_itself_before_an_activation() -> None:
    """One op for both, also where consumers want different axes last."""
    net = QdqNetwork()
    x = net.x(("n", 4, 9, 6))
    net.y(net.node("Softmax", [x], "s", axis=1), 1 / 256, 0)
    y = net.pair(net.node("Relu", [net.node("Add", [x, x], "a")], "r"), "q", 0.07, 0)
    net.y(net.conv(net.pair(net.node("MaxPool", [y], "m", kernel_shape=[3, 3]), "m_q", 0.07, 0), bias=None))
    bounds = [net.constant(name, [value], "int64") for name, value in {"from": 1, "to": 6, "axis": 3}.items()]
    net.output(net.node("Slice", [y, *bounds], "part"), "float32", ["n", 4, 9, 5])
    original = net.model()
    conversion = converter.convert(original)
    assert conversion.report.converted["QTable"] == 1
    check.assert_equivalent(original, conversion.model, [{"x": normal(2, 4, 9, 6)}])


@DTYPES
def test_concat(dtype: str) -> None:
    net = QdqNetwork(dtype)
    z = net.pair(net.input("z", "float32", ["n", 4, 9, 8]), "z_q", RESULT_SCALE, 131)
    net.y(net.node("Concat", [net.x(), z], "c", axis=1))  # z has the scale of the result: it needs no table
    assert_converts(net.model(), {"QTable": 1, "Concat": 1, "Gather": 1})


@pytest.mark.parametrize("opset", [11, 13, 17])
def test_softmax_of_each_pixel(opset: int) -> None:
    """Before opset 13 it flattens, from axis 1 on."""
    net = QdqNetwork()
    x = net.pair(net.conv(net.x(), axis=None), "q", 0.05, 131)
    net.y(net.node("Softmax", [x], "s", axis=1), 1 / 256, 0)
    model = net.model(opset)
    conversion = converter.convert(model)
    assert conversion.report.converted.get("QSoftmax", 0) == (opset >= 13)
    check.assert_equivalent(model, conversion.model, [{"x": normal(n, 4, 9, 8)} for n in (2, 1)])


def test_softmax_of_logits() -> None:
    net = QdqNetwork()
    x = net.pair(net.node("Gemm", [net.x(("n", 20)), net.weights("w", (20, 50), 1)], "g"), "q", 0.05, 131)
    net.y(net.node("Softmax", [x], "s", axis=-1), 1 / 256, 0, rank=2)
    assert_converts(net.model(), {"QMatMul": 1, "QSoftmax": 1}, (20,))


UNARY: list[tuple[str, dict[str, Any]]] = [
    ("Relu", {}),
    ("Sigmoid", {}),
    ("LeakyRelu", {"alpha": 0.1}),
    ("Tanh", {}),
    ("HardSwish", {}),
    ("HardSigmoid", {"alpha": 0.3}),
    ("Elu", {}),
    ("Exp", {}),
    ("Sqrt", {}),
    ("Gelu", {}),
    ("Softplus", {}),
]


def test_function_that_is_read_in_float_too() -> None:
    """It stays for its consumer in float: of two nodes of one name onnxruntime opens no model."""
    net = QdqNetwork()
    total = net.node("Add", [net.x(("n", 4)), net.constant("c", np.array([0.25]), "float32")], "sum")
    net.output(net.node("Elu", [total], "in_float"), "float32", ["n", 4])
    net.y(total, rank=2)
    model = net.model()
    for node in model.graph.node:
        node.name = f"{node.output[0]}/node"
    conversion = converter.convert(model)
    assert conversion.report.converted["QTable"] == 1
    names = [node.name for node in conversion.model.graph.node]
    assert "sum/node" in names
    assert len(set(names)) == len(names)
    check.assert_equivalent(model, conversion.model, [{"x": normal(n, 4)} for n in (2, 1)])


@DTYPES
@pytest.mark.parametrize(("op_type", "attributes"), UNARY)
def test_unary(op_type: str, attributes: dict[str, Any], dtype: str) -> None:
    net = QdqNetwork(dtype)
    net.y(net.node(op_type, [net.x()], "u", **attributes))
    assert_converts(net.model(20), {"QTable": 1})


@DTYPES
@pytest.mark.parametrize("shared", [False, True])
def test_several_operators_make_one_table(dtype: str, shared: bool) -> None:
    """SiLU as exporters write it, then arithmetic with constants; also where onnxruntime leaves x in int8."""
    net = QdqNetwork(dtype)
    x = net.x()
    y = net.node("Mul", [x, net.node("Sigmoid", [x], "s")], "silu")
    y = net.node("Add", [y, net.constant("three", [3.0], "float32")], "a")
    net.y(net.node("Clip", [y, "", net.constant("six", 6.0, "float32")], "c"))
    if shared:
        net.y(net.node("Mul", [x, x], "square"), 0.2)
    assert_converts(net.model(), {"QTable": 1 + shared})


@DTYPES
def test_other_scales_after_one_another(dtype: str) -> None:
    """Two pairs become one, as onnxruntime has it; what several read is a table."""
    net = QdqNetwork(dtype)
    x = net.pair(net.node("Identity", [net.x()], "i"), "again", 0.03, 77)
    net.y(net.conv(x, bias="float"))
    assert_converts(net.model(), {"QConv": 1})
    net = QdqNetwork("uint8")
    x = net.x()
    net.y(net.conv(net.pair(x, "again", 0.03, 77, dtype), bias="float"))
    net.y(net.conv(x, "d"))
    assert_converts(net.model(), {"QConv": 2, "QTable": 1})


MOVES: list[tuple[str, dict[str, Any], list[Any], dict[str, int]]] = [
    ("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 2]}, [], {"QMaxPool": 1}),
    ("Transpose", {"perm": [0, 1, 3, 2]}, [], {"Transpose": 1}),
    ("Slice", {}, [[1], [7], [2]], {"Slice": 1}),
    ("Reshape", {}, [[0, 6, 4, 16]], {"Reshape": 1}),
]


@DTYPES
@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize(("op_type", "attributes", "numbers", "ops"), MOVES)
def test_moves(
    op_type: str,
    attributes: dict[str, Any],
    numbers: list[Any],
    ops: dict[str, int],
    quantized: bool,
    dtype: str,
) -> None:
    """Between two convolutions, with pairs of one scale on both sides or with none at all after it."""
    net = QdqNetwork(dtype)
    x = net.pair(net.conv(net.x()), "c_q", RESULT_SCALE, 131)
    inputs = [x, *(net.constant(f"numbers{i}", n, "int64") for i, n in enumerate(numbers))]
    y = net.node(op_type, inputs, "moved", **attributes)
    if quantized:
        y = net.pair(y, "moved_q", RESULT_SCALE, 131)
    net.y(net.node("Conv", [y, net.weights("v", (5, 6, 1, 1))], "d"), 0.8)
    assert_converts(net.model(), {"QConv": 2, **ops})


def test_moves_into_another_scale() -> None:
    net = QdqNetwork()
    y = net.node("MaxPool", [net.pair(net.conv(net.x()), "c_q", RESULT_SCALE, 131)], "p", kernel_shape=[2, 2])
    net.y(y, 0.11, 100)
    assert_converts(net.model(), {"QConv": 1, "QMaxPool": 1, "QTable": 1})


def test_split_and_pad() -> None:
    net = QdqNetwork()
    net.nodes.append(
        helper.make_node("Split", [net.x(), net.constant("parts", [1, 3], "int64")], ["a", "b"], axis=1)
    )
    a = net.pair("a", "a_q", 0.0471, 119)
    b = net.pair("b", "b_q", 0.0471, 119)
    pads = net.constant("pads", [0, 0, 1, 2, 0, 0, 1, 0], "int64")
    b = net.pair(net.node("Pad", [b, pads], "p"), "p_q", 0.0471, 119)
    net.y(net.node("Conv", [b, net.weights("w", (5, 3, 3, 3))], "d"))
    net.y(net.node("Conv", [a, net.weights("v", (5, 1, 1, 1))], "e"))
    assert_converts(net.model(), {"QConv": 2})


@DTYPES
def test_linear_resize(dtype: str) -> None:
    """onnxruntime interpolates in float32 and rounds, and so does the op."""
    net = QdqNetwork(dtype)
    x = net.pair(net.conv(net.x()), "c_q", RESULT_SCALE, 131)
    scales = net.constant("scales", [1, 1, 2, 2], "float32")
    net.y(net.node("Resize", [x, "", scales], "r", mode="linear"))
    assert_converts(net.model(), {"QConv": 1, "QFloatResize": 1})


def test_reasons() -> None:
    net = QdqNetwork()
    x = net.x()
    net.y(net.node("Add", [x, net.constant("c", np.ones((9, 8)), "float32")], "a"))
    net.y(net.node("Mean", [x, net.x(name="z")], "s"))
    net.y(net.node("Relu", [net.node("GlobalAveragePool", [x], "b")], "r"))
    net.y(net.node("LpNormalization", [x], "i", axis=1))
    net.y(net.node("Sigmoid", ["i"], "h"))
    assert reasons(net.model()) == {
        "a_node": "it has a constant that is not one element, nor one for each channel",
        "s_node": "it works in floating point",
        "b_node": "the activation after it clips more than its quantization does",
        "r_node": "its input comes from GlobalAveragePool in floating point",
        "i_node": "it works in floating point",
        "h_node": "its input comes from LpNormalization in floating point",
    }


def test_float16_enters() -> None:
    net = QdqNetwork()
    parameters = [net.constant("s", 0.05, "float16"), net.constant("z", 119, "uint8")]
    x = net.node("QuantizeLinear", [net.input("x", "float16", ["n", 4]), *parameters], "q")
    x = net.dequantize(x, parameters, "d")
    y = net.node("QuantizeLinear", [net.node("Relu", [x], "r"), *parameters], "p")
    net.dequantize(y, parameters, net.output("y", "float16", ["n", 4]))
    model = net.model(19)
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT16
    assert reasons(model, 4) == {}
    report = converter.convert(model).report
    assert (report.converted, report.approximate) == ({"QTable": 1}, ())
