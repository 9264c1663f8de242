"""Attention in float32 between statically quantized matmuls, as ModelOpt and PT2E write it: one op."""

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


class Encoder(QdqNetwork):
    """Queries, keys and values of one quantized tensor `[n, 7, 32]`."""

    def heads(self, x: str, name: str, perm: tuple[int, ...]) -> str:
        product = self.node("MatMul", [x, self.weights(f"{name}_w", (WIDTH, WIDTH), 1)], f"{name}_product")
        bias = self.constant(f"{name}_b", self.rng.normal(size=WIDTH), "float32")
        y = self.node("Add", [product, bias], f"{name}_sum")
        shape = self.constant(f"{name}_shape", [0, LENGTH, HEADS, SIZE], "int64")
        return self.node(
            "Transpose", [self.node("Reshape", [y, shape], f"{name}_heads")], f"{name}_moved", perm=perm
        )

    def attention(self, scale: str = "Div") -> str:
        """`[n, heads, 7, 8]`"""
        x = self.x(("n", LENGTH, WIDTH))
        q, k = self.heads(x, "q", (0, 2, 1, 3)), self.heads(x, "k", (0, 2, 3, 1))
        scores = self.node("MatMul", [q, k], "scores")
        scaled = self.node(
            scale, [scores, self.constant("number", 30.0 if scale == "Div" else 0.03, "float32")], "scaled"
        )
        weights = self.node("Softmax", [scaled], "weights", axis=-1)
        return self.node("MatMul", [weights, self.heads(x, "v", (0, 2, 1, 3))], "context")

    def joined(self, context: str) -> str:
        moved = self.node("Transpose", [context], "moved_back", perm=(0, 2, 1, 3))
        return self.node(
            "Reshape", [moved, self.constant("joined_shape", [0, LENGTH, WIDTH], "int64")], "joined"
        )

    def end(self, x: str) -> None:
        """A matmul that quantizes x."""
        inner = self.pair(x, "inner", 0.011, 125)
        self.y(self.node("MatMul", [inner, self.weights("end_w", (WIDTH, 5), 1)], "end"), rank=3)


def assert_one_op(model: onnx.ModelProto) -> converter.Conversion:
    """Results are within a quantum, which the report declares."""
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted["Attention"] == 1, str(report)
    assert not report.left, str(report)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert not {"Softmax", "Div", "Mul", "Transpose", "MatMul"} & found.keys()
    assert "Attention" in {entry.op_type for entry in report.approximate}
    feed = {"x": normal(2, LENGTH, WIDTH)}
    got, want = (outputs(open_session(m), feed)["end_out"] for m in (conversion.model, model))
    assert np.abs(got - want).max() <= RESULT_SCALE * 1.001
    assert len(np.unique(want)) > 10
    check.assert_true_report(model, conversion)
    return conversion


@pytest.mark.parametrize("scale", ["Div", "Mul"])
def test_quantized_after_it(scale: str) -> None:
    """The QuantizeLinear goes before the Transpose, as in onnxruntime: the entry transposes."""
    net = Encoder()
    net.end(net.joined(net.attention(scale)))
    assert_one_op(net.model())


def test_read_in_float() -> None:
    """Only its operands come from an island."""
    net = Encoder()
    net.output(net.joined(net.attention()), "float32", ["n", "s", "c"])
    conversion = converter.convert(net.model())
    assert conversion.report.converted["Attention"] == 1, str(conversion.report)
    assert {entry.op_type for entry in conversion.report.left} == {"Reshape"}  # it makes the model's result


@pytest.mark.gpu
def test_on_gpu() -> None:
    """TF32 rounds what attention multiplies; a quantum there is up to two after the matmul that follows."""
    net = Encoder()
    net.end(net.joined(net.attention()))
    conversion = converter.convert(net.model())
    feed = {"x": normal(2, LENGTH, WIDTH)}
    want, got = (run(conversion.model, feed, provider) for provider in (CPU, CUDA))
    assert got.providers("Attention") == {CUDA: 1}
    distances = np.abs(got.outputs["end_out"] - want.outputs["end_out"])
    assert distances.max() <= 2 * RESULT_SCALE * 1.001 and np.median(distances) < RESULT_SCALE / 2
