"""Squeeze-and-excite whose weights are in float32, between quantized tensors."""

from collections import Counter
from typing import Any

import pytest
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter


class SqueezeExcite(QdqNetwork):
    """Of an image of 6 channels that is quantized."""

    def conv_of_means(
        self, x: str, name: str, shape: tuple[int, int], bias: bool = True, **attributes: Any
    ) -> str:
        inputs = [x, self.constant(f"{name}_w", self.rng.normal(0, 1, (*shape, 1, 1)), "float32")]
        if bias:
            inputs.append(self.constant(f"{name}_b", self.rng.normal(0, 1, shape[0]), "float32"))
        return self.node("Conv", inputs, name, **attributes)

    def activated(self, x: str, kind: str) -> str:
        if kind == "silu":
            return self.node("Mul", [x, self.node("Sigmoid", [x], "inner")], "silu")
        if kind == "Clip":
            bounds = [self.constant(n, v, "float32") for n, v in (("low", 0), ("high", 6))]
            return self.node("Clip", [x, *bounds], "clipped")
        return self.node(kind, [x], "activated")

    def image(self) -> str:
        return self.pair(self.conv(self.x(), "c0"), "c_q", 0.0237, 107)

    def gated(self, x: str, gate: str) -> None:
        gate = self.pair(gate, "gate_q", 0.004, 3)
        product = self.pair(self.node("Mul", [x, gate], "gated"), "gated_q", 0.0117, 61)
        self.y(self.node("Conv", [product, self.weights("w", (5, 6, 1, 1), 0)], "end"))


def converted(net: QdqNetwork) -> tuple[Counter[str], converter.Report]:
    """The operators of the converted model, which keeps its bits on the CPU."""
    model = net.model()
    conversion = converter.convert(model)
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}, {"x": normal(1, 4, 9, 8)}])
    return Counter(node.op_type for node in conversion.model.graph.node), conversion.report


@pytest.mark.parametrize("gate", ["Sigmoid", "HardSigmoid"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("kind", ["Relu", "Clip", "silu"])
def test_both_convolutions(kind: str, bias: bool, gate: str) -> None:
    net = SqueezeExcite()
    x = net.image()
    squeezed = net.conv_of_means(net.node("GlobalAveragePool", [x], "mean"), "squeeze", (3, 6), bias)
    excited = net.conv_of_means(net.activated(squeezed, kind), "excite", (6, 3), bias)
    net.gated(x, net.node(gate, [excited], "gate"))
    found, report = converted(net)
    ours = {
        "QTableGlobalAveragePoolToFloat": 1,
        "FloatPointwise": 2,
        "StepsToIsland": 1,
        "QMul": 1,
        "QConv": 2,
    }
    assert {op: found[op] for op in ours} == ours
    assert not {"Conv", "Relu", "Clip", "Sigmoid", "HardSigmoid", "GlobalAveragePool"} & set(found)
    assert not report.left
    assert [entry.op_type for entry in report.approximate] == ["FloatPointwise"] * 2


def test_a_result_that_others_read_before_its_activation() -> None:
    net = SqueezeExcite()
    x = net.image()
    squeezed = net.conv_of_means(net.node("GlobalAveragePool", [x], "mean"), "squeeze", (6, 6))
    relu = net.node("Relu", [squeezed], "relu")
    net.output(squeezed, "float32", ["n", 6, 1, 1])
    excited = net.conv_of_means(relu, "excite", (6, 6))
    net.gated(x, net.node("Sigmoid", [excited], "gate"))
    found, _ = converted(net)
    assert found["FloatPointwise"] == 2 and found["Relu"] == 1 and not found["Conv"]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [({"group": 2}, "it has groups"), ({"pads": [1, 1, 1, 1]}, "it pads its input")],
)
def test_other_convolutions_stay(attributes: dict[str, Any], reason: str) -> None:
    net = SqueezeExcite()
    x = net.image()
    shape = (6, 3) if "group" in attributes else (6, 6)
    y = net.conv_of_means(net.node("GlobalAveragePool", [x], "mean"), "squeeze", shape, **attributes)
    y = net.node("GlobalMaxPool", [y], "largest")
    net.gated(x, net.node("Sigmoid", [y], "gate"))
    found, report = converted(net)
    assert found["Conv"] == 1 and not found["FloatPointwise"]
    assert reason in [entry.reason for entry in report.left if entry.op_type == "Conv"]


def test_convolutions_of_images_stay() -> None:
    net = SqueezeExcite()
    x = net.image()
    y = net.node("Conv", [x, net.constant("f", net.rng.normal(0, 1, (6, 6, 1, 1)), "float32")], "float_conv")
    net.output(y, "float32", ["n", 6, "h", "w"])
    conversion = converter.convert(net.model())
    assert "FloatPointwise" not in [node.op_type for node in conversion.model.graph.node]
