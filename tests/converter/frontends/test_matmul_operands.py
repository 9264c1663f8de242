"""Which operands of a matmul are constant, of which types and dimensions their parameters are."""

from collections.abc import Sequence

import numpy as np
import pytest
from same_bits import Graph, assert_same_bits

from qudnn import converter

TWO_STEPS = "one after the other"


def left_constant(op_type: str, dtypes: Sequence[str], result: str | None) -> Graph:
    """constant * x; dtypes: of both. result: the type of the quantized result, None for float32."""
    g = Graph(2)
    zero_points = [g.number(0 if dtype == "int8" else 128, dtype) for dtype in dtypes]
    a = g.dequantize(g.random(dtypes[0], [50, 64]), "ad", g.number(0.01), zero_points[0])
    b = g.pair(g.x("b", "float32", [64, 300]), "bd", g.number(0.05), zero_points[1])
    y = g.node(op_type, [a, b], "t")
    if result is not None:
        y = g.pair(y, "y", g.number(0.1), g.number(0 if result == "int8" else 128, result))
    g.y(y)
    return g


@pytest.mark.parametrize("result", [None, "uint8", "int8"])
@pytest.mark.parametrize("b_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("a_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("op_type", ["MatMul", "Gemm"])
def test_left_constant_between_pairs(op_type: str, a_dtype: str, b_dtype: str, result: str | None) -> None:
    """onnxruntime has no integers where the left operand is int8; the right one may have either type."""
    g = left_constant(op_type, [a_dtype, b_dtype], result)
    quantum = None if a_dtype == "uint8" else 2e-5 if result is None else 0.1
    assert_same_bits(g, {"QBatchMatMul" if result else "QBatchMatMulToFloat": 1}, quantum=quantum)


@pytest.mark.parametrize(("a_scale", "b_scale"), [(0.0371, 3e38), (0.0371, 1.3e36), (1e19, 1e19), (1e5, 1e6)])
def test_huge_scales(a_scale: float, b_scale: float) -> None:
    """Where float32 holds no sums, integers would give other ones."""
    g = Graph()
    a, b = (
        g.dequantize(g.x(name, "uint8", shape), f"{name}_d", g.number(scale), g.number(zero_point, "uint8"))
        for name, shape, scale, zero_point in (("a", [5, 35], a_scale, 131), ("b", [35, 21], b_scale, 60))
    )
    y = g.node("MatMul", [a, b], "y")
    g.y(g.quantize(y, "result", g.number(1e12), g.number(117, "uint8")), "uint8")
    if b_scale > 2**40:
        assert_same_bits(g, {}, {"MatMul": "scale must be at most 2**40, not"}, opset=19)
    else:
        assert_same_bits(g, {"QBatchMatMul": 1}, opset=19)


def parameter(g: Graph, value: float, dtype: str, count: int, per: str, rank: int) -> str:
    """One number, or one for each of the last axis: as a vector, or with the other dimensions."""
    if per == "one":
        return g.number(value, dtype)
    numbers = np.linspace(value, value * 1.5, count) if dtype == "float32" else np.full(count, value)
    return g.constant(
        f"c{len(g.constants)}", numbers.reshape([1] * (rank - 1) + [-1] if per == "all" else -1), dtype
    )


@pytest.mark.parametrize("constants", ["a", "b", "none"])
@pytest.mark.parametrize("dtypes", [("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")])
@pytest.mark.parametrize("op_type", ["QLinearMatMul", "MatMulInteger", "MatMulIntegerToFloat", "QGemm"])
def test_operators_of_integers(op_type: str, dtypes: Sequence[str], constants: str) -> None:
    g = Graph(2)
    a, b = (
        g.random(dtype, shape) if name == constants else g.x(name, dtype, shape)
        for name, dtype, shape in zip("ab", dtypes, ([6, 12], [12, 10]), strict=True)
    )
    a_zero_point = g.number(5 if dtypes[0] == "int8" else 120, dtypes[0])
    b_zero_point = g.number(0 if dtypes[1] == "int8" else 120, dtypes[1])
    s = g.number(0.02)
    domain = "" if op_type in ("QLinearMatMul", "MatMulInteger") else "com.microsoft"
    inputs = {
        "QLinearMatMul": [a, s, a_zero_point, b, s, b_zero_point, g.number(0.3), a_zero_point],
        "QGemm": [a, s, a_zero_point, b, s, b_zero_point, "", g.number(0.3), a_zero_point],
        "MatMulInteger": [a, b, a_zero_point, b_zero_point],
        "MatMulIntegerToFloat": [a, b, s, s, a_zero_point, b_zero_point],
    }[op_type]
    result = {"MatMulInteger": "int32", "MatMulIntegerToFloat": "float32"}.get(op_type, dtypes[0])
    g.y(g.node(op_type, inputs, "y", domain), result)
    matrix = constants == "b" and dtypes[1] == "int8" and op_type != "MatMulInteger"
    suffix = {"MatMulInteger": "ToInt32", "MatMulIntegerToFloat": "ToFloat"}.get(op_type, "")
    assert_same_bits(g, {("QMatMul" if matrix else "QBatchMatMul") + suffix: 1})


@pytest.mark.parametrize("op_type", ["QLinearMatMul", "MatMulInteger", "MatMulIntegerToFloat"])
def test_both_constant(op_type: str) -> None:
    """A matmul of constants is left, it is none at run time."""
    g = Graph(2)
    a, b = g.random("uint8", [6, 12]), g.random("int8", [12, 10])
    s, a_zero_point, b_zero_point = g.number(0.02), g.number(120, "uint8"), g.number(0, "int8")
    domain = "com.microsoft" if op_type == "MatMulIntegerToFloat" else ""
    inputs = {
        "QLinearMatMul": [a, s, a_zero_point, b, s, b_zero_point, g.number(0.3), a_zero_point],
        "MatMulInteger": [a, b, a_zero_point, b_zero_point],
        "MatMulIntegerToFloat": [a, b, s, s, a_zero_point, b_zero_point],
    }[op_type]
    result = {"QLinearMatMul": "uint8", "MatMulInteger": "int32"}.get(op_type, "float32")
    g.y(g.node(op_type, inputs, "y", domain), result)
    assert_same_bits(g, {"QMatMul": 0}, {op_type: "both of its inputs are constant"})


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("zero_point", ["one", "all", "left out"])
@pytest.mark.parametrize("per", ["one", "vector", "all"])
@pytest.mark.parametrize("shape", [(128, 64), (1, 128, 64), (1, 1, 128, 64), (2, 128, 64)])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_weights_of_several_matrices(
    dtype: str, shape: Sequence[int], per: str, zero_point: str, bias: bool
) -> None:
    """A vector of scales beside them is multiplied by at the end, after a bias."""
    if (shape[0] == 2 and per == "all") or (zero_point == "all" and per != "all"):
        return  # these are not the dimensions that onnxruntime takes
    g = Graph(3)
    a, b = g.x("a", dtype, [2, 4, 128]), g.random("int8", shape)
    scale = parameter(g, 0.01, "float32", 64, per, len(shape))
    inputs = [a, b, g.number(0.0371), scale, g.number(5, dtype)]
    if zero_point != "left out":
        inputs.append(parameter(g, 0, "int8", 64, zero_point, len(shape)))
    if bias:
        inputs += [""] * (6 - len(inputs)) + [g.random("float32", [64])]
    g.y(g.node("MatMulIntegerToFloat", inputs, "y", "com.microsoft"), "float32", max(3, len(shape)))
    op = "QMatMulToFloat" if len(shape) == 2 else "QBatchMatMulToFloat"
    if per == "vector" and len(shape) > 2:
        assert_same_bits(g, {op: 0}, {"MatMulIntegerToFloat": TWO_STEPS})
    else:
        assert_same_bits(g, {op: 1})


@pytest.mark.parametrize("shape", [(12, 10), (2, 12, 10), (1, 12, 10), (1, 1, 12, 10)])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_weights_of_several_matrices_between_pairs(dtype: str, shape: Sequence[int]) -> None:
    """Of which onnxruntime makes a MatMulIntegerToFloat."""
    g = Graph(3)
    zero_point = g.number(120 if dtype == "uint8" else -8, dtype)
    a = g.pair(g.x("a", "float32", [2, 6, 12]), "ad", g.number(0.03), zero_point)
    scale = parameter(g, 0.01, "float32", 10, "vector", len(shape))
    b = g.dequantize(g.random("int8", shape), "bd", scale, axis=len(shape) - 1)
    g.y(g.node("MatMul", [a, b], "t"), rank=max(3, len(shape)))
    if len(shape) > 2:
        assert_same_bits(g, {"QBatchMatMulToFloat": 0}, {"MatMul": TWO_STEPS})
    else:
        assert_same_bits(g, {"QMatMulToFloat": 1})


SHAPES = {(): 1, (1,): 1, (12,): 1, (1, 12): 1, (1, 1): 0, (1, 1, 12): 0, (1, 1, 1): 0}  # 1: of one factor


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"])
def test_dynamic_quantization(form: str, shape: Sequence[int], bias: bool) -> None:
    """onnxruntime fuses the nodes around a MatMulInteger; with a scale of more dimensions also the bias."""
    g = Graph(4)
    x = g.x("x", "float32", [2, 6, 16], ["n", 6, 16])
    w, scale = g.random("int8", [16, 12]), g.constant("scale", np.full(shape, 0.003), "float32")
    addend = [g.random("float32", [12])] if bias else []
    if form != "DynamicQuantizeMatMul":
        g.node("DynamicQuantizeLinear", [x], "x_8")
        g.nodes[-1].output.extend(["x_scale", "x_zero_point"])
    if form == "MatMulInteger":
        cast = g.node("Cast", [g.node(form, ["x_8", w, "x_zero_point"], "y_32")], "cast", to=1)
        y = g.node("Mul", [cast, g.node("Mul", ["x_scale", scale], "scales")], "scaled")
        y = g.node("Add", [y, *addend], "y") if bias else y
    elif form == "MatMulIntegerToFloat":
        inputs = ["x_8", w, "x_scale", scale, "x_zero_point", *(["", *addend] if bias else [])]
        y = g.node(form, inputs, "y", "com.microsoft")
    else:
        y = g.node(form, [x, w, scale, *(["", *addend] if bias else [])], "y", "com.microsoft")
    g.y(y, rank=3)
    if SHAPES[tuple(shape)]:
        assert_same_bits(g, {"DynamicQMatMul": 1})
    else:
        assert_same_bits(g, {"DynamicQMatMul": 0}, {form: TWO_STEPS})


def test_scale_in_the_form_of_a_matrix() -> None:
    """onnxruntime multiplies in float32 then, though the scale is one number."""
    g = Graph(3)
    scale, zero_point = g.number(0.0371, shape=[1, 1]), g.number(131, "uint8")
    a = g.dequantize(g.x("a", "uint8", [2, 35]), "ad", scale, zero_point)
    b = g.dequantize(g.random("uint8", [35, 21]), "bd", g.number(0.012), g.number(40, "uint8"))
    g.y(g.node("MatMul", [a, b], "matmul"))
    assert_same_bits(g, {"QBatchMatMulToFloat": 1}, quantum=1e-4)


def test_gemm_with_a_zero_point_and_no_scale_of_its_result() -> None:
    g = Graph(4)
    scale, zero_point = g.number(0.02), g.number(120, "uint8")
    b = g.random("int8", [12, 10])
    inputs = [
        g.x("a", "uint8", [6, 12]),
        scale,
        zero_point,
        b,
        scale,
        g.number(0, "int8"),
        "",
        "",
        zero_point,
    ]
    g.y(g.node("QGemm", inputs, "y", "com.microsoft"), "uint8")
    model = g.model(17)
    (left,) = converter.convert(model).report.left
    assert (left.op_type, left.reason) == ("QGemm", "it has a y_zero_point without a y_scale")


@pytest.mark.parametrize("bias", ["int32", "float32"])
def test_a_vector_with_a_bias_is_a_gemm(bias: str) -> None:
    """onnxruntime makes a matrix of the vector, whose size is fixed: in integers, so with no note."""
    g = Graph(3)
    x = g.pair(g.x("x", "float32", [512]), "xd", g.number(0.02), g.number(128, "uint8"))
    w = g.dequantize(g.random("int8", [512, 700]), "wd", g.number(0.013), g.number(0, "int8"))
    unit = np.float32(0.02) * np.float32(0.013)
    addend = g.rng.normal(0, 40, 700)
    if bias == "int32":
        c = g.constant("c", np.rint(addend / unit), "int32")
        c = g.dequantize(c, "cd", g.number(unit), g.number(0, "int32"))
    else:
        c = g.constant("c", addend, "float32")
    y = g.node("Add", [g.node("MatMul", [x, w], "t"), c], "a")
    g.y(g.pair(y, "y", g.number(0.9), g.number(120, "uint8")), rank=1)
    assert_same_bits(g, {"QMatMul": 1})
