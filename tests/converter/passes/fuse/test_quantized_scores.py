"""Attention of quantized queries and keys whose softmax stays in float32, as PT2E and Brevitas write it."""

from collections import Counter

import numpy as np
import onnx
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork, normal

import check
from qudnn import converter
from session import CPU, CUDA, open_session, outputs, run

HEADS, SIZE, LENGTH = 4, 8, 7
WIDTH = HEADS * SIZE
ROWS, COLUMNS = (0, 2, 1, 3), (0, 2, 3, 1)


class Encoder(QdqNetwork):
    """Queries and keys of one quantized tensor `[n, 7, 32]`, quantized themselves; values perhaps."""

    def heads(self, x: str, name: str, perm: tuple[int, ...], zero_point: int | None = 121) -> str:
        y = self.node("MatMul", [x, self.weights(f"{name}_w", (WIDTH, WIDTH), 1)], f"{name}_product")
        shape = self.constant(f"{name}_shape", [0, LENGTH, HEADS, SIZE], "int64")
        y = self.node("Reshape", [y, shape], f"{name}_heads")
        y = self.node("Transpose", [y], f"{name}_moved", perm=perm)
        return y if zero_point is None else self.pair(y, f"{name}_q", 0.0231, zero_point)

    def attention(self, k_zero_point: int = 121, values: int | None = 133, mask: bool = False) -> str:
        """`[n, heads, 7, 8]`"""
        x = self.x(("n", LENGTH, WIDTH))
        q, k = self.heads(x, "q", ROWS), self.heads(x, "k", COLUMNS, k_zero_point)
        scores = self.node("MatMul", [q, k], "scores")
        y = self.node("Div", [scores, self.constant("root", 8**0.5, "float32")], "scaled")
        if mask:
            y = self.node("Add", [y, self.input("mask", "float32", ("n", 1, 1, LENGTH))], "masked")
        weights = self.node("Softmax", [y], "weights", axis=-1)
        return self.node("MatMul", [weights, self.heads(x, "v", ROWS, values)], "context")

    def end(self, context: str) -> None:
        moved = self.node("Transpose", [context], "moved_back", perm=ROWS)
        shape = self.constant("joined_shape", [0, LENGTH, WIDTH], "int64")
        inner = self.pair(self.node("Reshape", [moved, shape], "joined"), "inner", 0.011, 125)
        self.y(self.node("MatMul", [inner, self.weights("end_w", (WIDTH, 5), 1)], "end"), rank=3)


def feed_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    feed = {"x": normal(2, LENGTH, WIDTH)}
    if len(model.graph.input) > 1:
        feed["mask"] = np.where(normal(2, 1, 1, LENGTH) > 2, -1e4, 0).astype(np.float32)
    return feed


def assert_one_op(model: onnx.ModelProto, op: str = "Attention") -> converter.Conversion:
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted[op] == 1, str(report)
    assert not report.left, str(report)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert not {"Softmax", "Div", "Mul", "Transpose", "MatMul", "QBatchMatMulToFloat"} & found.keys()
    names = {node.name for node in conversion.model.graph.node}
    assert {entry.name for entry in report.approximate} <= names, "a note is about no node"
    feed = feed_of(model)
    got, want = (outputs(open_session(m), feed)["end_out"] for m in (conversion.model, model))
    assert np.abs(got - want).max() <= RESULT_SCALE * 1.001
    assert len(np.unique(want)) > 10
    check.assert_true_report(model, conversion)
    return conversion


@pytest.mark.parametrize("k_zero_point", [121, 117])
@pytest.mark.parametrize("values", [133, None])
def test_scores_of_quantized_tensors(values: int | None, k_zero_point: int) -> None:
    net = Encoder()
    net.end(net.attention(k_zero_point, values))
    conversion = assert_one_op(net.model())
    exits = [node for node in conversion.model.graph.node if node.op_type == "DequantizeFromIsland"]
    scales = [attribute.f for node in exits for attribute in node.attribute if attribute.name == "scale"]
    # Whole numbers, of which TF32 rounds none. Queries and keys lie side by side.
    assert scales.count(1.0) == (1 if k_zero_point == 121 else 2)


def test_with_a_mask() -> None:
    net = Encoder()
    net.end(net.attention(mask=True))
    assert_one_op(net.model(), "MaskedAttention")


def test_scores_that_others_read() -> None:
    net = Encoder()
    net.end(net.attention())
    net.output("scores", "float32", list("abcd"))
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted["QBatchMatMulToFloat"] == 1
    assert "Attention" not in conversion.report.converted
    reasons = {entry.name: entry.reason for entry in conversion.report.left}
    assert reasons["weights_node"] == "its scores or its weights have other consumers"


@pytest.mark.gpu
@pytest.mark.parametrize("mask", [False, True])
def test_on_gpu(mask: bool) -> None:
    """TF32 rounds the weights and values; a quantum there is up to two after the matmul that follows."""
    net = Encoder()
    net.end(net.attention(mask=mask))
    conversion = converter.convert(net.model())
    feed = feed_of(net.model())
    want, got = (run(conversion.model, feed, provider) for provider in (CPU, CUDA))
    assert got.providers("MaskedAttention" if mask else "Attention") == {CUDA: 1}
    distances = np.abs(got.outputs["end_out"] - want.outputs["end_out"])
    assert distances.max() <= 2 * RESULT_SCALE * 1.001 and np.median(distances) < RESULT_SCALE / 2
