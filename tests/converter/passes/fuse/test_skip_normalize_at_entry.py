"""com.microsoft's normalizations of a sum, of a float32 term and one that comes from an island."""

import numpy as np
import onnx
import pytest
from qdq_networks import QdqNetwork, normal

from cases.builder import MICROSOFT, Shape
from qudnn import converter
from session import assert_same_bits, open_session, outputs

C = 20
LAYER, SQUARES = "SkipLayerNormalization", "SkipSimplifiedLayerNormalization"
OPS = {LAYER: "AddLayerNormalizationToIsland", SQUARES: "AddRMSNormalizationToIsland"}
SCALE = 0.021  # of what is normalized
KINDS = pytest.mark.parametrize("kind", OPS)


class Network(QdqNetwork):
    """Tensors [n, 7, 20], or without the 7."""

    def matmul(self, x: str, name: str) -> str:
        return self.pair(
            self.node("MatMul", [x, self.weights(f"{name}_w", (C, C), 1)], name), f"{name}_q", 0.05, 140
        )

    def normalized(self, kind: str, terms: list[str], bias: bool = True, total: str = "") -> str:
        names = ["gamma", *(["beta"] if kind == LAYER else []), *(["bias"] if bias else [])]
        rows = [self.constant(name, self.rng.normal(0.5, 0.5, C), "float32") for name in names]
        y = self.node(kind, [*terms, *rows], "s", MICROSOFT, epsilon=1e-5)
        if total:
            self.nodes[-1].output.extend(["", "", total])
        return y

    def end(self, y: str, rank: int = 3) -> None:
        """What is normalized in 8 bits, and a matmul of it."""
        y = self.pair(y, "y8", SCALE, 133)
        self.y(self.matmul(y, "e"), rank=rank)
        self.output(y, "float32", [f"q{axis}" for axis in range(rank)])


def converted(net: Network, kind: str) -> tuple[onnx.ModelProto, converter.Report]:
    """By mean squares with onnxruntime's bits, otherwise with results that differ by a quantum at most."""
    model = net.model()
    conversion = converter.convert(model)
    feed = {
        value.name: normal(2, *[d.dim_value for d in value.type.tensor_type.shape.dim][1:]) * (1 - i / 3)
        for i, value in enumerate(model.graph.input)
    }
    got, want = (outputs(open_session(each), feed) for each in (conversion.model, model))
    if kind == SQUARES:
        assert_same_bits({"y8": got["y8"]}, {"y8": want["y8"]})
    assert np.abs(got["y8"] - want["y8"]).max() <= SCALE * 1.001
    assert np.unique(want["y8"]).size > 25
    return conversion.model, conversion.report


@KINDS
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("shape", [("n", 7, C), ("n", C)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_a_float_term(kind: str, dtype: str, shape: Shape, bias: bool, first: bool) -> None:
    net = Network(dtype)
    terms = [net.matmul(net.x(shape), "m"), net.input("r", "float32", shape)]
    net.end(net.normalized(kind, terms if first else terms[::-1], bias), len(shape))
    model, report = converted(net, kind)
    found = [node.op_type for node in model.graph.node]
    assert found.count(OPS[kind]) == 1 and found.count("QMatMul") == 2
    assert kind not in found and "QuantizeToIsland" in found and not report.left
    assert ("s_node" in {entry.name for entry in report.approximate}) == (kind == LAYER)
    (node,) = (node for node in model.graph.node if node.op_type == OPS[kind])
    assert [bool(name) for name in node.output] == [False, False, True]


@KINDS
@pytest.mark.parametrize("bias", [True, False])
def test_the_sum_goes_on(kind: str, bias: bool) -> None:
    """As in a transformer that normalizes before attention: the residual stays in float32."""
    net = Network()
    terms = [net.matmul(net.x(("n", 7, C)), "m"), net.input("r", "float32", ("n", 7, C))]
    y = net.normalized(kind, terms, bias, total="total")
    net.end(y)
    net.output(net.node("Neg", ["total"], "t"), "float32", ["n", 7, C])
    net.output(y, "float32", ["a", "b", "c"])
    conversion = converter.convert(net.model())
    (node,) = (node for node in conversion.model.graph.node if node.op_type == OPS[kind])
    assert list(node.output[:2]) == ["total", y]
    assert "s_node" not in {entry.name for entry in conversion.report.left}
    feed = {"x": normal(2, 7, C), "r": normal(2, 7, C)[::-1].copy()}
    got, want = (outputs(open_session(each), feed) for each in (conversion.model, net.model()))
    np.testing.assert_allclose(got[y], want[y], rtol=1e-4, atol=1e-4)
    if kind == SQUARES or not bias:
        np.testing.assert_array_equal(got["t"], want["t"])
    else:
        np.testing.assert_allclose(got["t"], want["t"], rtol=1e-5, atol=1e-5)
        (note,) = (entry.reason for entry in conversion.report.approximate if entry.name == "s_node")
        assert note.endswith("its sum in the last bits")


def reason(net: Network) -> str:
    report = converter.convert(net.model()).report
    return {entry.name: entry.reason for entry in report.left}["s_node"]


@KINDS
def test_what_is_broadcast_stays(kind: str) -> None:
    net = Network()
    net.end(net.normalized(kind, [net.matmul(net.x(("n", 7, C)), "m"), net.input("r", "float32", (1, 7, C))]))
    assert reason(net) == "its inputs are not known to have one shape"


@KINDS
def test_what_adds_two_floats_stays(kind: str) -> None:
    net = Network()
    net.end(net.normalized(kind, [net.input(name, "float32", ("n", 7, C)) for name in ("r", "s_in")]))
    assert reason(net) == "neither of the tensors that it adds comes out of an island as it lies there"


@KINDS
def test_a_computed_gamma_stays(kind: str) -> None:
    net = Network()
    terms = [net.matmul(net.x(("n", 7, C)), "m"), net.input("r", "float32", ("n", 7, C))]
    net.normalized(kind, terms)
    net.nodes[-1].input[2] = net.input("g", "float32", (C,))
    net.end("s")
    assert reason(net).startswith("its gamma must be constant")


def test_it_needs_an_opset_with_layer_normalization() -> None:
    net = Network()
    net.end(
        net.normalized(LAYER, [net.matmul(net.x(("n", 7, C)), "m"), net.input("r", "float32", ("n", 7, C))])
    )
    conversion = converter.convert(net.model(opset=13))
    found = [node.op_type for node in conversion.model.graph.node]
    assert ("AddLayerNormalizationToIsland" in found) == (conversion.model.opset_import[0].version >= 17)
