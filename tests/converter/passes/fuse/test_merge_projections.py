"""Queries, keys and values of one tensor: one matmul with the weights of all, whose consumers read parts."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import onnx
import pytest
from qdq_networks import QdqNetwork, normal

import check
from cases import attention
from cases.attention import AttentionCase
from cases.builder import by_id
from qudnn import converter
from twin import with_integer_matmuls

CHANNELS = 32
PERMS = {"q": [0, 2, 1, 3], "k": [0, 2, 3, 1], "v": [0, 2, 1, 3]}


@dataclass(frozen=True)
class Projection:
    """x `[n, s, 32]` -> `[n, heads, s, size]`, for keys transposed."""

    heads: int = 4
    size: int = 16
    x: str = "x"
    bias: bool = False
    relu: bool = False
    sigmoid: bool = False
    is_output: bool = False

    def build(self, net: QdqNetwork, x: str, name: str) -> str:
        scale, zero_point = 0.05 + 0.01 * "qkv".index(name), 100 + 15 * "qkv".index(name)
        width = self.heads * self.size
        y = net.node("MatMul", [x, net.weights(f"{name}_w", (CHANNELS, width), 1)], name)
        if self.bias:
            b = net.weights(f"{name}_b", (width,), dtype=net.dtype, zero_point=9)
            y = net.node("Add", [net.pair(y, f"{name}_p", 0.057, 110), b], f"{name}_biased")
        if self.sigmoid:
            y = net.node("Sigmoid", [net.pair(y, f"{name}_s", 0.061, 117)], f"{name}_gates")
        if self.relu:
            y = net.node("Relu", [y], f"{name}_relu")
        y = net.pair(y, f"{name}_q", scale, zero_point)
        if self.is_output:
            net.output(net.node("Identity", [y], f"{name}_y"), "float32", ["n", "s", width])
        shape = net.constant(f"{name}_shape", [0, 0, self.heads, self.size], "int64")
        y = net.pair(net.node("Reshape", [y, shape], f"{name}_heads"), f"{name}_r", scale, zero_point)
        y = net.node("Transpose", [y], f"{name}_lying", perm=PERMS[name])
        return net.pair(y, f"{name}_t", scale, zero_point)


def model(q: Projection, k: Projection, v: Projection, dtype: str = "uint8", s: int | str = "s") -> Any:
    """(q k^T) v, of tensors that are projected from x, or from z."""
    net = QdqNetwork(dtype)
    names = sorted({q.x, k.x, v.x})
    tensors = {name: net.x(("n", s, CHANNELS), name) for name in names}
    left, right, values = (p.build(net, tensors[p.x], name) for p, name in ((q, "q"), (k, "k"), (v, "v")))
    scores = net.pair(net.node("MatMul", [left, right], "scores"), "scores_q", 0.2, 120)
    net.y(net.node("MatMul", [scores, values], "context"), 0.9)
    return net.model()


def converted(original: onnx.ModelProto, s: int = 7) -> onnx.ModelProto:
    """The converted model, which has the original's bits, or those that it has in integers."""
    conversion = converter.convert(original)
    names = [value.name for value in original.graph.input]
    check.assert_equivalent(
        with_integer_matmuls(original) if conversion.report.approximate else original,
        conversion.model,
        [{name: normal(batch, s, CHANNELS) for name in names} for batch in (2, 1)],
    )
    return conversion.model


def ops(of: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in of.graph.node)


def weights(of: onnx.ModelProto) -> list[tuple[int, ...]]:
    """The shapes of the weights of all QProjections."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in of.graph.initializer}
    return [shapes[node.input[1]] for node in of.graph.node if node.op_type == "QProjections"]


@pytest.mark.parametrize("s", [7, "s"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_one_matmul(dtype: str, s: int | str) -> None:
    result = converted(model(Projection(), Projection(), Projection(), dtype, s))
    found = ops(result)
    assert [found[op] for op in ("QProjections", "QMatMul", "QTable", "Reshape")] == [1, 0, 0, 1]
    assert weights(result) == [(3 * 64, CHANNELS)]
    (merged,) = (node for node in result.graph.node if node.op_type == "QProjections")
    assert sorted(merged.name.split("+")) == ["k_node", "q_node", "v_node"]


def test_other_numbers_of_heads() -> None:
    one = Projection(heads=1)
    assert weights(converted(model(Projection(), one, one))) == [((4 + 1 + 1) * 16, CHANNELS)]


def test_padded_heads() -> None:
    heads = Projection(heads=3, size=10)
    assert weights(converted(model(heads, heads, heads))) == [(9 * 16, CHANNELS)]


def test_biases_of_some() -> None:
    result = converted(model(Projection(bias=True), Projection(), Projection(bias=True)))
    found = ops(result)
    assert [found[op] for op in ("QProjections", "QTable", "QAdd", "Reshape")] == [1, 1, 0, 1]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_functions_behind_biases(dtype: str) -> None:
    """They are one table, although the matmul of one that is not merged adds its bias by itself."""
    biased = Projection(bias=True, sigmoid=True)
    result = converted(model(biased, biased, Projection(sigmoid=True), dtype))
    found = ops(result)
    assert [found[op] for op in ("QProjections", "QTable", "QAdd", "Reshape")] == [1, 1, 0, 1]
    alone = ops(converted(model(biased, Projection(x="z"), Projection(x="y"), dtype)))
    fused = {"QMatMulAddTable": 1} if dtype == "uint8" else {"QTable": 1}  # int8 sums are of float32
    assert {op: alone[op] for op in ("QMatMulAddTable", "QTable", "QAdd") if alone[op]} == fused


@pytest.mark.parametrize(
    "projections",
    [
        (Projection(is_output=True), Projection(), Projection()),
        (Projection(), Projection(), Projection(heads=4, size=32)),
        (Projection(x="z"), Projection(), Projection()),
    ],
    ids=["read elsewhere", "heads of another size", "of another tensor"],
)
def test_one_stays_out(projections: tuple[Projection, Projection, Projection]) -> None:
    result = converted(model(*projections))
    found = ops(result)
    assert [found[op] for op in ("QProjections", "QMatMul", "Reshape")] == [1, 1, 2]
    assert weights(result) == [(2 * 64, CHANNELS)]


def test_clamped_results_stay_out() -> None:
    conversion = converter.convert(model(Projection(relu=True), Projection(), Projection()))
    assert conversion.report.converted == {"QProjections": 1, "QMatMul": 1, "Reshape": 2, "QBatchMatMul": 2}
    assert weights(conversion.model) == [(2 * 64, CHANNELS)]


def test_of_three_tensors() -> None:
    found = ops(converted(model(Projection(), Projection(x="y"), Projection(x="z"))))
    assert [found[op] for op in ("QProjections", "QMatMul")] == [0, 3]


@pytest.mark.parametrize("case", attention.CASES, ids=by_id)
def test_attention(case: AttentionCase) -> None:
    conversion = converter.convert(case.model())
    assert conversion.report.converted["QProjections"] == 1
    adds = case.biases and case.form == "QOperator"  # on uint8 tensors
    assert conversion.report.converted["QMatMulAdd" if adds else "QMatMul"] == 1
    check.assert_equivalent(case.model(), conversion.model, [case.inputs(), case.inputs(1, 16)])


@pytest.mark.gpu
@pytest.mark.parametrize("key_heads", [1, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_on_gpu(key_heads: int, bias: bool) -> None:
    keys = Projection(key_heads, bias=bias)
    conversion = converter.convert(model(Projection(), keys, keys))
    assert conversion.report.converted["QProjections"] == 1
    check.assert_kernels_match_bodies(conversion.model, {"x": normal(2, 33, CHANNELS)})
