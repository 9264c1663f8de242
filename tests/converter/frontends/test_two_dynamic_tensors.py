"""Matmuls of two tensors that are quantized in each run, and of one and a constant."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from same_bits import Graph, assert_same_bits

FLOAT = onnx.TensorProto.FLOAT
MICROSOFT = "com.microsoft"
OP = "DynamicQBatchMatMul"


class Dynamic(Graph):
    """Matmuls of what DynamicQuantizeLinear writes."""

    def dynamic(self, x: str) -> tuple[str, str, str]:
        """x quantized, its scale and its zero point."""
        names = f"{x}_q", f"{x}_s", f"{x}_z"
        self.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [x], names, name=f"{x}_dq"))
        return names

    def matmul(self, a: Sequence[str], b: Sequence[str], y: str = "y") -> str:
        """Of operands as dynamic() gives them, as a quantizer writes it."""
        (a_q, a_s, a_z), (b_q, b_s, b_z) = a, b
        sums = self.node("MatMulInteger", [a_q, b_q, a_z, b_z], f"{y}_i")
        scales = self.node("Mul", [a_s, b_s], f"{y}_ss")
        return self.node("Mul", [self.node("Cast", [sums], f"{y}_f", to=FLOAT), scales], y)


def of(
    a: Sequence[int],
    b: Sequence[int],
    a_declared: Sequence[int | str] = (),
    b_declared: Sequence[int | str] = (),
) -> Dynamic:
    g = Dynamic(4)
    g.x("a", "float32", a, a_declared)
    g.x("b", "float32", b, b_declared)
    return g


@pytest.mark.parametrize("opset", [13, 17, 21])
@pytest.mark.parametrize(
    ("a", "b", "a_declared", "b_declared"),
    [
        ((6, 12), (12, 10), (), ()),
        ((2, 3, 7, 16), (2, 3, 16, 7), ("n", 3, "s", 16), ("n", 3, 16, "s")),
        ((2, 3, 7, 7), (2, 3, 7, 20), ("n", 3, "s", "s"), ("n", 3, "s", 20)),
        ((2, 3, 7, 5), (2, 3, 5, 9), ("n", 3, "s", "k"), ("n", 3, "k", "t")),
        ((2, 3, 7, 16), (16, 5), (), ()),
        ((7, 16), (2, 3, 16, 5), (), ()),
        ((2, 1, 7, 33), (3, 33, 40), ("n", 1, "s", 33), (3, 33, 40)),
        ((1, 16), (16, 1), (), ()),
    ],
)
def test_two_tensors(
    a: Sequence[int],
    b: Sequence[int],
    a_declared: Sequence[int | str],
    b_declared: Sequence[int | str],
    opset: int,
) -> None:
    g = of(a, b, a_declared, b_declared)
    g.y(g.matmul(g.dynamic("a"), g.dynamic("b")), rank=max(len(a), len(b)))
    model = assert_same_bits(g, {OP: 1, "DynamicQuantizeToIsland": 2}, opset=opset)
    assert {node.op_type for node in model.graph.node} == {OP, "DynamicQuantizeToIsland"}


@pytest.mark.parametrize("factor", [0, 1e-30, 1e18, -1])
def test_extreme_ranges(factor: float) -> None:
    """One number only, tiny and huge ones, and none below 0."""
    g = of((5, 33), (33, 9))
    g.feeds["a"] = (np.abs(g.feeds["a"]) * np.float32(factor)).astype(np.float32)
    g.y(g.matmul(g.dynamic("a"), g.dynamic("b")))
    assert_same_bits(g, {OP: 1})


def test_a_tensor_times_itself() -> None:
    g = Dynamic(1)
    quantized = g.dynamic(g.x("a", "float32", (2, 9, 9), ("n", 9, 9)))
    g.y(g.matmul(quantized, quantized), rank=3)
    assert_same_bits(g, {OP: 1, "DynamicQuantizeToIsland": 2})


def test_attention_enters_as_it_lies() -> None:
    """Transposes of heads become a part of what quantizes them, and of what writes the context."""
    g = Dynamic(2)
    for name in "qkv":
        g.x(name, "float32", (2, 7, 3, 16), ("n", "s", 3, 16))
    q, v = (g.node("Transpose", [name], f"{name}_t", perm=[0, 2, 1, 3]) for name in "qv")
    k = g.node("Transpose", ["k"], "k_t", perm=[0, 2, 3, 1])
    scores = g.matmul(g.dynamic(q), g.dynamic(k), "scores")
    scaled = g.node("Div", [scores, g.number(4.0)], "scaled")
    weights = g.node("Softmax", [scaled], "weights", axis=-1)
    context = g.matmul(g.dynamic(weights), g.dynamic(v), "context")
    g.y(g.node("Transpose", [context], "y", perm=[0, 2, 1, 3]), rank=4)
    model = assert_same_bits(g, {OP: 2, "DynamicQuantizeToIsland": 4})
    assert "Transpose" not in {node.op_type for node in model.graph.node}


def test_transpose_with_other_consumers() -> None:
    g = of((2, 9, 4), (2, 9, 12))
    moved = g.node("Transpose", ["a"], "moved", perm=[0, 2, 1])
    g.y(g.matmul(g.dynamic(moved), g.dynamic("b")), rank=3)
    g.y(g.node("Relu", [moved], "other"), rank=3)
    model = assert_same_bits(g, {OP: 1})
    assert "Transpose" in {node.op_type for node in model.graph.node}


@pytest.mark.parametrize("zero_point", [0, 131])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("shape", [(12, 12), (2, 12, 12)])
def test_one_constant(shape: Sequence[int], left: bool, zero_point: int) -> None:
    g = Dynamic(3)
    x = g.dynamic(g.x("x", "float32", (2, 12, 12), ("n", 12, 12)))
    constant = g.random("uint8", shape), g.number(0.0173), g.number(zero_point, "uint8")
    operands = (constant, x) if left else (x, constant)
    g.y(g.matmul(*operands), rank=3)
    weights = not left and len(shape) == 2
    assert_same_bits(g, {"DynamicQMatMul": 1} if weights else {OP: 1})


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("op_type", ["MatMulIntegerToFloat", "DynamicQuantizeMatMul"])
def test_fused_by_onnxruntime(op_type: str, bias: bool) -> None:
    g = of((2, 7, 16), (2, 16, 10), ("n", "s", 16), ("n", 16, 10))
    b_q, b_s, b_z = g.dynamic("b")
    if op_type == "MatMulIntegerToFloat":
        a_q, a_s, a_z = g.dynamic("a")
        inputs = [a_q, b_q, a_s, b_s, a_z, b_z]
    else:
        inputs = ["a", b_q, b_s, b_z]
    inputs += [g.random("float32", [10])] * bias
    g.y(g.node(op_type, inputs, "y", MICROSOFT), rank=3)
    assert_same_bits(g, {OP: 1})


@pytest.mark.parametrize("left", [False, True])
def test_matrices_of_weights_fused(left: bool) -> None:
    """Constant, on the left or of three dimensions."""
    g = Dynamic(5)
    q, s, z = g.dynamic(g.x("x", "float32", (2, 6, 6), ("n", 6, 6)))
    dtype = "uint8" if left else "int8"
    w, w_s, w_z = g.random(dtype, (2, 6, 6)), g.number(0.02), g.number(7, dtype)
    inputs = [w, q, w_s, s, w_z, z] if left else [q, w, s, w_s, z, w_z]
    g.y(g.node("MatMulIntegerToFloat", inputs, "y", MICROSOFT), rank=3)
    assert_same_bits(g, {OP: 1})


def test_other_scales() -> None:
    """Of which onnxruntime makes something else."""
    g = of((6, 12), (12, 10))
    a, b = g.dynamic("a"), g.dynamic("b")
    sums = g.node("MatMulInteger", [a[0], b[0], a[2], b[2]], "i")
    scales = g.node("Mul", [a[1], g.number(0.5)], "ss")
    g.y(g.node("Mul", [g.node("Cast", [sums], "f", to=FLOAT), scales], "y"))
    assert_same_bits(g, {OP: 0}, {"MatMulInteger": "something other than the scales of its inputs"})


def test_scales_one_after_the_other() -> None:
    g = of((6, 12), (12, 10))
    a, b = g.dynamic("a"), g.dynamic("b")
    sums = g.node("MatMulInteger", [a[0], b[0], a[2], b[2]], "i")
    once = g.node("Mul", [g.node("Cast", [sums], "f", to=FLOAT), a[1]], "once")
    g.y(g.node("Mul", [once, b[1]], "y"))
    assert_same_bits(g, {OP: 0}, {"MatMulInteger": "something other than the scales of its inputs"})


def test_a_tensor_times_itself_by_one_scale() -> None:
    """Not by its square."""
    g = Dynamic(7)
    q, scale, zero_point = g.dynamic(g.x("a", "float32", (9, 9)))
    sums = g.node("MatMulInteger", [q, q, zero_point, zero_point], "i")
    g.y(g.node("Mul", [g.node("Cast", [sums], "f", to=FLOAT), scale], "y"))
    assert_same_bits(g, {OP: 0}, {"MatMulInteger": "something other than the scales of its inputs"})


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((12, 12), "something other than the scale of its input and a constant"),
        ((2, 12, 12), "its scale must be constant"),
    ],
)
def test_a_constant_by_the_square_of_the_scale(shape: Sequence[int], reason: str) -> None:
    """The scale stands in the place of the constant's own."""
    g = Dynamic(8)
    x = g.dynamic(g.x("x", "float32", (2, 12, 12), ("n", 12, 12)))
    g.y(g.matmul(x, (g.random("int8", shape), x[1], g.number(0, "int8"))), rank=3)
    assert_same_bits(g, {OP: 0, "DynamicQMatMul": 0}, {"MatMulInteger": reason})


def test_zero_points_left_out() -> None:
    g = of((6, 12), (12, 10))
    a, b = g.dynamic("a"), g.dynamic("b")
    g.y(g.matmul(a, (b[0], b[1], a[2])))
    assert_same_bits(g, {OP: 0}, {"MatMulInteger": "another zero point"})


def test_weights_that_are_inputs() -> None:
    g = Dynamic(6)
    x = g.dynamic(g.x("x", "float32", (6, 12)))
    w = g.x("w", "uint8", (12, 10)), g.number(0.02), g.number(128, "uint8")
    g.y(g.matmul(x, w))
    reason = "its right input must be constant, not an input of the model"
    assert_same_bits(g, {OP: 0}, {"MatMulInteger": reason})
