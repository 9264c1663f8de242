"""Elementwise operators between convolutions that are quantized dynamically, on channels-last tensors."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from qdq_networks import normal

import check
from cases.builder import GraphBuilder
from qudnn import converter
from zoo.quantize import quantize_dynamically

C = 20
SHAPE = (3, 9, 8)


class Network(GraphBuilder):
    """Convolutions, and what is between them."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def conv(self, x: str, name: str, inputs: int = C, shape: Sequence[int] = SHAPE, **given: Any) -> str:
        kernel = [3] * (len(shape) - 1)
        w = self.rng.standard_normal((C, inputs, *kernel)).astype(np.float32)
        return self.node(
            "Conv", [x, self.constant(f"{name}_w", w)], name, pads=[1] * 2 * len(kernel), **given
        )

    def number(self, value: float) -> str:
        return self.constant(f"number{len(self.constants)}", value, "float32")

    def channels(self, *shape: int) -> str:
        values = self.rng.uniform(0.1, 2, shape).astype(np.float32)
        return self.constant(f"channels{len(self.constants)}", values)


Chain = Callable[[Network, str], str]


def silu(net: Network, x: str) -> str:
    return net.node("Mul", [x, net.node("Sigmoid", [x], f"{x}_gate")], f"{x}_silu")


def residual(net: Network, x: str) -> str:
    total = net.node("Add", [net.conv(net.node("Relu", [x], "relu"), "inner"), x], "sum")
    return net.node("Clip", [total, net.number(-1.0), net.number(3.0)], "clip")


def gated(net: Network, x: str) -> str:
    """What makes the gate is found from the product on."""
    gate = net.conv(net.node("Relu", [x], "relu"), "of_gate")
    return net.node("Mul", [x, net.node("HardSigmoid", [gate], "gate")], "gated")


def joined(net: Network, x: str) -> str:
    net.nodes.append(onnx.helper.make_node("Split", [x], ["left", "right"], "split", axis=1))
    return net.node("Concat", [net.node("Neg", ["right"], "negative"), "left"], "joined", axis=-3)


def doubled(net: Network, x: str) -> str:
    """By factors that tell the axes apart."""
    factors = net.constant("factors", [1, 1, 2, 3], "float32")
    return net.node("Resize", [net.node("Relu", [x], "relu"), "", factors], "resized", mode="nearest")


def resized(net: Network, x: str) -> str:
    sizes = net.constant("sizes", [2, C, 13, 5], "int64")
    return net.node("Resize", [silu(net, x), "", "", sizes], "resized", **DOWN)


def pooled(net: Network, x: str) -> str:
    """As YOLO has it."""
    x = silu(net, x)
    y = net.node("MaxPool", [x], "largest", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    z = net.node("MaxPool", [y], "larger", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return net.node("Sub", [net.node("Add", [x, z], "sum"), y], "difference")


def places(net: Network, x: str) -> str:
    net.nodes.append(onnx.helper.make_node("MaxPool", [x], ["largest", "where"], "pool", kernel_shape=[1, 1]))
    return net.node("Add", ["largest", net.node("Cast", ["where"], "number", to=1)], "sum")


DOWN = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
CHAINS: dict[str, tuple[Chain, set[str]]] = {
    "relu": (lambda net, x: net.node("Relu", [x], "relu"), {"Relu"}),
    "silu": (silu, {"Mul", "Sigmoid"}),
    "residual": (residual, {"Add", "Clip", "Relu"}),
    "gate": (gated, {"HardSigmoid", "Mul", "Relu"}),
    "slopes": (lambda net, x: net.node("PRelu", [x, net.channels(C, 1, 1)], "prelu"), {"PRelu"}),
    "all slopes": (lambda net, x: net.node("PRelu", [x, net.channels(C, 9, 8)], "prelu"), {"PRelu"}),
    "resize": (doubled, {"Relu", "Resize"}),
    "split, concat": (joined, {"Concat", "Neg", "Split"}),
}


def network(chain: Chain, shape: Sequence[int] = SHAPE) -> onnx.ModelProto:
    """x -> a convolution -> the chain -> a convolution"""
    net = Network()
    x = net.input("x", "float32", ["n", *shape])
    y = net.conv(chain(net, net.conv(x, "first", shape[0], shape)), "last", shape=shape)
    net.output(y, "float32", [f"y{axis}" for axis in range(len(shape) + 1)])
    return quantize_dynamically(net.model(17), op_types=["Conv"])


def converted(model: onnx.ModelProto, shape: Sequence[int] = SHAPE) -> tuple[Counter[str], converter.Report]:
    """With all bits of the original."""
    conversion = converter.convert(model)
    check.assert_equivalent(model, conversion.model, [{"x": normal(n, *shape)} for n in (2, 1)])
    assert not conversion.report.approximate
    return Counter(node.op_type for node in conversion.model.graph.node), conversion.report


@pytest.mark.parametrize(("chain", "operators"), CHAINS.values(), ids=CHAINS)
def test_nothing_is_transposed(chain: Chain, operators: set[str]) -> None:
    """But the result, which is the model's."""
    found, report = converted(network(chain))
    assert found["DynamicQConv"] == found["DynamicQuantizeToIsland"] >= 2
    assert found["Transpose"] == 1, found
    assert operators == set(found) - {"DynamicQConv", "DynamicQuantizeToIsland", "Transpose", "Slice"}
    left = {entry.op_type for entry in report.left}
    assert operators - {"Split", "Resize"} <= left <= operators, str(report)
    assert not left & set(report.converted), str(report)


def test_rows_are_transposed() -> None:
    """To become images of one row again."""
    found, _ = converted(network(CHAINS["silu"][0], (3, 17)), (3, 17))
    assert found["DynamicQConv"] == found["Transpose"] == 2


def test_resized_to_sizes() -> None:
    model = network(resized)
    conversion = converter.convert(model)
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert found["Resize"] == found["Transpose"] == 1
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, *SHAPE)}])


def test_maxima() -> None:
    found, report = converted(network(pooled))
    assert found["FloatMaxPool"] == 2 and found["Transpose"] == 1 and not found["MaxPool"]
    assert report.converted["FloatMaxPool"] == 2
    assert {entry.op_type for entry in report.left} == {"Add", "Mul", "Sigmoid", "Sub"}


READERS: dict[str, tuple[Chain, str]] = {
    "another operator": (
        lambda net, x: net.node("Softplus", [net.node("Relu", [x], "relu")], "softplus"),
        "Softplus reads it with its channels first",
    ),
    "a maximum whose places are used": (
        lambda net, x: places(net, net.node("Relu", [x], "relu")),
        "MaxPool reads it with its channels first",
    ),
    "an input": (
        lambda net, x: net.node("Add", [x, net.input("x2", "float32", ["n", C, 9, 8])], "sum"),
        "an operand of an operator that reads it has its channels first",
    ),
}


@pytest.mark.parametrize(("chain", "reason"), READERS.values(), ids=READERS)
def test_what_something_else_reads_is_transposed(chain: Chain, reason: str) -> None:
    model = network(chain)
    conversion = converter.convert(model, explain=True)
    declined = [each.reason for each in conversion.report.declined if each.step == "ElementwiseAsItLies"]
    assert reason in declined
    assert Counter(node.op_type for node in conversion.model.graph.node)["Transpose"] == 2
    feed = {value.name: normal(2, *(C if value.name == "x2" else 3, 9, 8)) for value in model.graph.input}
    check.assert_equivalent(model, conversion.model, [feed])


def test_an_output_of_the_model_is_transposed() -> None:
    net = Network()
    relu = net.node("Relu", [net.conv(net.input("x", "float32", ["n", *SHAPE]), "first", 3)], "relu")
    net.output(net.conv(relu, "last"), "float32", [f"y{axis}" for axis in range(4)])
    net.output(relu, "float32", [f"relu{axis}" for axis in range(4)])
    found, _ = converted(quantize_dynamically(net.model(17), op_types=["Conv"]))
    assert found["Transpose"] == 2
