"""What is computed of each element after an exit, for another op: a table for each channel, with all bits."""

import numpy as np
import pytest
from qdq_networks import RESULT_SCALE, QdqNetwork, normal

from qudnn import converter
from session import open_session, outputs

HEADS, SIZE, LENGTH = 4, 8, 7
WIDTH = HEADS * SIZE
ROWS, COLUMNS = (0, 2, 1, 3), (0, 2, 3, 1)


class Encoder(QdqNetwork):
    """Attention in float32 whose operands are quantized before their bias is added."""

    def heads(self, x: str, name: str, perm: tuple[int, ...], dequantized: bool) -> str:
        product = self.node("MatMul", [x, self.weights(f"{name}_w", (WIDTH, WIDTH), 1)], f"{name}_product")
        product = self.pair(product, f"{name}_q", 0.0231, 121)
        if dequantized:
            bias = self.weights(f"{name}_b", (WIDTH,))
        else:
            bias = self.constant(f"{name}_b", self.rng.normal(size=WIDTH), "float32")
        y = self.node("Add", [product, bias], f"{name}_sum")
        shape = self.constant(f"{name}_shape", [0, LENGTH, HEADS, SIZE], "int64")
        return self.node("Transpose", [self.node("Reshape", [y, shape], f"{name}_h")], f"{name}_t", perm=perm)

    def whole(self, dequantized: bool) -> None:
        x = self.x(("n", LENGTH, WIDTH))
        q, k, v = (
            self.heads(x, name, perm, dequantized)
            for name, perm in (("q", ROWS), ("k", COLUMNS), ("v", ROWS))
        )
        scores = self.node(
            "Div", [self.node("MatMul", [q, k], "scores"), self.constant("root", 3.0, "float32")], "scaled"
        )
        weights = self.node("Softmax", [scores], "weights", axis=-1)
        moved = self.node("Transpose", [self.node("MatMul", [weights, v], "context")], "moved", perm=ROWS)
        shape = self.constant("joined_shape", [0, LENGTH, WIDTH], "int64")
        inner = self.pair(self.node("Reshape", [moved, shape], "joined"), "inner", 0.011, 125)
        self.y(self.node("MatMul", [inner, self.weights("end_w", (WIDTH, 5), 1)], "end"), rank=3)


@pytest.mark.parametrize("dequantized", [False, True])
def test_bias_before_an_attention(dequantized: bool) -> None:
    net = Encoder()
    net.whole(dequantized)
    model = net.model()
    conversion = converter.convert(model)
    report = conversion.report
    assert report.converted["TableFromIsland"] == 3, str(report)
    assert not report.left, str(report)
    assert not {"Add", "DequantizeLinear"} & {node.op_type for node in conversion.model.graph.node}
    feed = {"x": normal(2, LENGTH, WIDTH)}
    got, want = (outputs(open_session(m), feed)["end_out"] for m in (conversion.model, model))
    assert np.abs(got - want).max() <= RESULT_SCALE * 1.001
    assert len(np.unique(want)) > 10


def test_bias_of_a_result_stays() -> None:
    """Nothing of qudnn reads it."""
    net = QdqNetwork()
    product = net.node("MatMul", [net.x(("n", 7, 16)), net.weights("w", (16, 12), 1)], "product")
    bias = net.constant("b", net.rng.normal(size=12), "float32")
    net.output(net.node("Add", [net.pair(product, "q", 0.05, 121), bias], "sum"), "float32", ["n", 7, 12])
    conversion = converter.convert(net.model())
    assert "TableFromIsland" not in conversion.report.converted
    assert "Add" in {node.op_type for node in conversion.model.graph.node}
