"""LayerNormalization with the addition before it, and between float32 tensors and an island."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from qdq_networks import QdqNetwork, assert_converts, normal

import check
from qudnn import converter

DTYPES = pytest.mark.parametrize("dtype", ["uint8", "int8"])
C = 20


class Network(QdqNetwork):
    """Tensors [n, 7, 20]."""

    def matmul(self, x: str, name: str) -> str:
        """A matmul with weights, quantized and dequantized."""
        y = self.node("MatMul", [x, self.weights(f"{name}_w", (C, C), 1)], name)
        return self.pair(y, f"{name}_q", 0.05, 140)

    def normalized(self, x: str, name: str = "l", bias: bool = True) -> str:
        inputs = [x, self.constant(f"{name}_scale", self.rng.normal(1, 0.3, C), "float32")]
        if bias:
            inputs.append(self.constant(f"{name}_bias", self.rng.normal(0, 1, C), "float32"))
        return self.node("LayerNormalization", inputs, name, epsilon=1e-12)

    def bias(self, x: str, name: str) -> str:
        return self.node("Add", [x, self.constant(f"{name}_b", self.rng.normal(0, 1, C), "float32")], name)

    def stream(self, name: str = "r") -> str:
        """A float32 input that no one quantizes."""
        return self.input(name, "float32", ("n", 7, C))

    def end(self, x: str, name: str = "e") -> None:
        """What reads x in 8 bits, and a result."""
        self.y(self.matmul(self.pair(x, f"{name}_in", 0.021, 133), name), rank=3)


def converted(net: QdqNetwork) -> tuple[Counter[str], converter.Report, onnx.ModelProto]:
    """The model's ops; it keeps its bits."""
    model = net.model()
    conversion = converter.convert(model)
    feed = {
        value.name: normal(2, *[d.dim_value for d in value.type.tensor_type.shape.dim][1:])
        for value in model.graph.input
    }
    check.assert_equivalent(model, conversion.model, [feed])
    return (
        Counter(node.op_type for node in conversion.model.graph.node),
        conversion.report,
        conversion.model,
    )


def outputs_of(model: onnx.ModelProto, op: str) -> list[bool]:
    """Which of its outputs the model's one node of the op has."""
    (node,) = (node for node in model.graph.node if node.op_type == op)
    return [bool(name) for name in node.output]


@DTYPES
def test_quantized_addition(dtype: str) -> None:
    net = Network(dtype)
    total = net.pair(net.node("Add", [net.x(("n", 7, C)), net.x(("n", 7, C), "z")], "a"), "a_q", 0.07, 120)
    net.y(net.normalized(total), rank=3)
    assert_converts(net.model(), {"QAddLayerNormalization": 1}, (7, C))
    assert outputs_of(converter.convert(net.model()).model, "QAddLayerNormalization") == [False, True]


@DTYPES
def test_quantized_addition_that_others_read(dtype: str) -> None:
    net = Network(dtype)
    z = net.x(("n", 7, C), "z")
    total = net.pair(net.node("Add", [net.x(("n", 7, C)), z], "a"), "a_q", 0.07, 120)
    net.y(net.normalized(total), rank=3)
    net.y(net.node("Add", [total, z], "b"), rank=3)
    if dtype == "int8":  # onnxruntime adds tensors in float32 of which others are read too
        ops = {"QFloatAddLayerNormalization": 1, "QFloatAdd": 1}
    else:
        ops = {"QAddLayerNormalization": 1, "QAdd": 1}
    assert_converts(net.model(), ops, (7, C))
    assert outputs_of(converter.convert(net.model()).model, next(iter(ops))) == [True, True]


def test_quantized_addition_of_a_row_stays() -> None:
    net = Network()
    row = net.weights("b", (C,), dtype="uint8", zero_point=3)
    total = net.pair(net.node("Add", [net.x(("n", 7, C)), row], "a"), "a_q", 0.07, 120)
    net.y(net.normalized(total), rank=3)
    assert_converts(net.model(), {"QAdd": 1, "QLayerNormalization": 1}, (7, C))


def test_quantized_addition_that_is_broadcast_stays() -> None:
    net = Network()
    z = net.x(("n", 1, C), "z")
    total = net.pair(net.node("Add", [net.x(("n", 7, C)), z], "a"), "a_q", 0.07, 120)
    net.y(net.normalized(total), rank=3)
    found, _, _ = converted(net)
    assert found["QAdd"] == found["QLayerNormalization"] == 1


def test_float_tensor() -> None:
    net = Network()
    net.end(net.normalized(net.node("Neg", [net.stream()], "n")))
    found, report, model = converted(net)
    assert found["LayerNormalizationToIsland"] == 1
    assert not found["LayerNormalization"] and not found["QuantizeToIsland"]
    assert not report.approximate
    assert outputs_of(model, "LayerNormalizationToIsland") == [False, True]


def test_float_tensor_without_bias() -> None:
    net = Network()
    net.end(net.normalized(net.node("Neg", [net.stream()], "n"), bias=False))
    assert converted(net)[0]["LayerNormalizationToIsland"] == 1


def plain(net: Network, x: str) -> str:
    return x


def biased(net: Network, x: str) -> str:
    return net.bias(x, "biased")


@DTYPES
@pytest.mark.parametrize("branch", [plain, biased])
@pytest.mark.parametrize("first", [False, True])
def test_float_residual(dtype: str, branch: Callable[[Network, str], str], first: bool) -> None:
    net = Network(dtype)
    terms = [branch(net, net.matmul(net.x(("n", 7, C)), "m")), net.stream()]
    net.end(net.normalized(net.node("Add", terms[::-1] if first else terms, "a")))
    found, report, model = converted(net)
    assert found["AddLayerNormalizationToIsland"] == 1
    assert not found["Add"] and not found["LayerNormalization"]
    assert [entry.op_type for entry in report.approximate] == ["AddLayerNormalizationToIsland"]
    assert outputs_of(model, "AddLayerNormalizationToIsland") == [False, False, True]


def test_float_residual_whose_sum_goes_on() -> None:
    """As in a transformer that normalizes before attention."""
    net = Network()
    total = net.node("Add", [net.matmul(net.x(("n", 7, C)), "m"), net.stream()], "a")
    net.end(net.normalized(total))
    net.output(net.node("Neg", [total], "n"), "float32", ["n", 7, C])
    found, report, model = converted(net)
    assert found["AddLayerNormalizationToIsland"] == 1 and not found["Add"]
    assert not report.approximate
    assert outputs_of(model, "AddLayerNormalizationToIsland") == [True, False, True]


def test_normalized_tensor_that_others_read() -> None:
    net = Network()
    y = net.normalized(net.node("Add", [net.matmul(net.x(("n", 7, C)), "m"), net.stream()], "a"))
    net.end(y)
    net.output(y, "float32", ["n", 7, C])
    found, _, model = converted(net)
    assert found["AddLayerNormalizationToIsland"] == 1
    assert outputs_of(model, "AddLayerNormalizationToIsland") == [False, True, True]


@DTYPES
def test_quantized_residual(dtype: str) -> None:
    """As in a transformer that normalizes after attention: the residual is read as the matmul reads it."""
    net = Network(dtype)
    x = net.pair(net.normalized(net.node("Neg", [net.stream()], "n"), "l0"), "l0_q", 0.023, 121)
    total = net.node("Add", [net.bias(net.matmul(x, "m"), "biased"), x], "a")
    net.end(net.normalized(total))
    found, _, model = converted(net)
    assert found["AddLayerNormalizationToIsland"] == found["LayerNormalizationToIsland"] == 1
    assert not {"QuantizeLinear", "DequantizeLinear", "Add"} & set(found)
    (node,) = (node for node in model.graph.node if node.op_type == "AddLayerNormalizationToIsland")
    (entered,) = (node for node in model.graph.node if node.op_type == "LayerNormalizationToIsland")
    assert node.input[2] == entered.output[-1]


def test_residual_that_is_broadcast_stays() -> None:
    net = Network()
    positions = net.constant("p", net.rng.normal(0, 1, (1, 7, C)), "float32")
    net.end(net.normalized(net.node("Add", [net.matmul(net.x(("n", 7, C)), "m"), positions], "a")))
    found, _, _ = converted(net)
    assert found["Add"] == found["LayerNormalizationToIsland"] == 1


def test_another_axis_stays() -> None:
    net = Network()
    inputs = [net.stream(), net.constant("s", np.ones((7, C)), "float32")]
    net.end(net.node("LayerNormalization", inputs, "l", axis=1))
    found, report, _ = converted(net)
    assert found["LayerNormalization"] == 1
    assert "its axis is not the last one" in str(report)
