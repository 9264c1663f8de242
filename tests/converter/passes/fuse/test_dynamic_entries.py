"""Gelu and LayerNormalization before a dynamic quantization: one op with it."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from dynamic_networks import DynamicNetwork, converted, ops, qudnn_ops

from cases.builder import MICROSOFT
from qudnn import converter

C = 20
ROOT, INVERSE = np.float32(2) ** 0.5, np.float32(0.5) ** 0.5


def outputs_of(model: onnx.ModelProto, op: str) -> list[bool]:
    """Which of its outputs the model's one node of the op has."""
    (node,) = (node for node in model.graph.node if node.op_type == op)
    return [bool(name) for name in node.output]


def error(net: DynamicNetwork, x: str, scale: str = "Div", root: float | None = None) -> str:
    """1 + erf(x / sqrt(2))"""
    number = root or (ROOT if scale == "Div" else INVERSE)
    scaled = net.node(scale, [x, net.constant("root", number, "float32")], "scaled")
    return net.node("Add", [net.constant("one", 1, "float32"), net.node("Erf", [scaled], "erf")], "doubled")


def whole(net: DynamicNetwork, x: str) -> str:
    return net.node("Gelu", [x], "gelu")


def whole_of_microsoft(net: DynamicNetwork, x: str) -> str:
    return net.node("Gelu", [x], "gelu", MICROSOFT)


def half_at_last(net: DynamicNetwork, x: str) -> str:
    """As PyTorch's older exporter writes it."""
    product = net.node("Mul", [x, error(net, x)], "product")
    return net.node("Mul", [product, net.constant("half", 0.5, "float32")], "gelu")


def half_in_the_middle(net: DynamicNetwork, x: str) -> str:
    """As PyTorch's newer exporter writes it: onnxruntime makes no Gelu of that."""
    half = net.node("Mul", [net.constant("half", 0.5, "float32"), error(net, x)], "halved")
    return net.node("Mul", [x, half], "gelu")


def half_at_first(net: DynamicNetwork, x: str) -> str:
    half = net.node("Mul", [x, net.constant("half", [0.5], "float32")], "halved")
    return net.node("Mul", [half, error(net, x)], "gelu")


def by_multiplication(net: DynamicNetwork, x: str) -> str:
    half = net.node("Mul", [net.constant("half", 0.5, "float32"), error(net, x, "Mul")], "halved")
    return net.node("Mul", [half, x], "gelu")


def gelu_model(gelu: Callable[[DynamicNetwork, str], str], opset: int = 20) -> onnx.ModelProto:
    """Between two matmuls."""
    net = DynamicNetwork()
    x = net.matmul(net.quantize(net.x(("n", 7, C))), "p", C, 24)
    net.end(gelu(net, x), 24)
    return net.model(opset)


IN_PARTS = [half_at_last, half_in_the_middle, half_at_first, by_multiplication]
GELUS = [
    (whole, 20),
    (whole_of_microsoft, 13),
    *((gelu, opset) for gelu in IN_PARTS for opset in (13, 17, 20)),
]


@pytest.mark.parametrize(("gelu", "opset"), GELUS)
def test_gelu(gelu: Callable[[DynamicNetwork, str], str], opset: int) -> None:
    model, report = converted(gelu_model(gelu, opset))
    assert qudnn_ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 2, "DynamicGeluToIsland": 1}
    assert not report.left
    assert [entry.name for entry in report.approximate] == ["gelu_node"]
    assert report.islands == 2


def test_gelu_before_a_convolution() -> None:
    """Channels go last, and there is padding around the pixels."""
    net = DynamicNetwork()
    x = net.quantize(net.node("Gelu", [net.x(("n", 3, 6, 7))], "gelu"))
    w = net.constant("w", net.rng.integers(-9, 9, (4, 3, 3, 3)), "int8")
    net.node("ConvInteger", [f"{x}_8", w, f"{x}_zero_point"], "y_32", pads=[1, 1, 1, 1])
    net.node("Cast", ["y_32"], "y_cast", to=onnx.TensorProto.FLOAT)
    net.y(net.node("Mul", ["y_cast", f"{x}_scale"], "y"), 4)
    model, _ = converted(net.model(20))
    assert qudnn_ops(model) == {"DynamicGeluToIsland": 1, "DynamicQConv": 1}


def approximated(net: DynamicNetwork, x: str) -> str:
    return net.node("Gelu", [x], "gelu", approximate="tanh")


def with_another_root(net: DynamicNetwork, x: str) -> str:
    product = net.node("Mul", [x, error(net, x, root=1.5)], "product")
    return net.node("Mul", [product, net.constant("half", 0.5, "float32")], "gelu")


def with_another_half(net: DynamicNetwork, x: str) -> str:
    product = net.node("Mul", [x, error(net, x)], "product")
    return net.node("Mul", [product, net.constant("half", 0.25, "float32")], "gelu")


def of_two_tensors(net: DynamicNetwork, x: str) -> str:
    product = net.node("Mul", [net.x(("n", 7, 24), "z"), error(net, x)], "product")
    return net.node("Mul", [product, net.constant("half", 0.5, "float32")], "gelu")


def the_other_way_round(net: DynamicNetwork, x: str) -> str:
    quotient = net.node("Div", [net.constant("root", ROOT, "float32"), x], "scaled")
    doubled = net.node(
        "Add", [net.node("Erf", [quotient], "erf"), net.constant("one", 1, "float32")], "doubled"
    )
    product = net.node("Mul", [x, doubled], "product")
    return net.node("Mul", [product, net.constant("half", 0.5, "float32")], "gelu")


def with_a_half_that_adds_dimensions(net: DynamicNetwork, x: str) -> str:
    product = net.node("Mul", [x, error(net, x)], "product")
    longer = net.node("Mul", [product, net.constant("half", [[[[0.5]]]], "float32")], "longer")
    return net.node("Reshape", [longer, net.integers("shape", -1, 7, 24)], "gelu")


OTHERS = [approximated, with_another_root, with_another_half, of_two_tensors, the_other_way_round]


@pytest.mark.parametrize("gelu", [*OTHERS, with_a_half_that_adds_dimensions])
def test_another_function(gelu: Callable[[DynamicNetwork, str], str]) -> None:
    model, _ = converted(gelu_model(gelu))
    assert qudnn_ops(model) == {"DynamicQuantizeToIsland": 2, "DynamicQMatMul": 2}


@pytest.mark.parametrize("gelu", [whole, half_at_last])
def test_gelu_that_others_read(gelu: Callable[[DynamicNetwork, str], str]) -> None:
    net = DynamicNetwork()
    net.end(gelu(net, net.x(("n", 7, C))), C)
    net.y(net.node("Neg", ["gelu"], "negative"))
    model, report = converted(net.model(20))
    assert qudnn_ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}
    assert {entry.reason for entry in report.left if entry.name == "gelu_node"} == {
        "its result has consumers beside its quantization"
    }


def test_gelu_whose_parts_others_read() -> None:
    """They stay, for the others."""
    net = DynamicNetwork()
    net.end(half_at_last(net, net.x(("n", 7, C))), C)
    net.y(net.node("Neg", ["doubled"], "negative"))
    model, _ = converted(net.model())
    assert qudnn_ops(model) == {"DynamicGeluToIsland": 1, "DynamicQMatMul": 1}
    assert ops(model)["Erf"] == 1 and not ops(model)["Mul"]


class Norms(DynamicNetwork):
    """Tensors [n, 7, 20]."""

    def stream(self, name: str = "x") -> str:
        return self.x(("n", 7, C), name)

    def sum(self, bias: bool = True) -> str:
        """Of a matmul and a residual."""
        product = self.matmul(self.quantize(self.stream()), "p", C, C, bias)
        return self.node("Add", [product, self.stream("residual")], "total")

    def norm(self, x: str, bias: bool = True) -> str:
        rows = [self.numbers("gamma", C, mean=1), *([self.numbers("beta", C)] if bias else [])]
        return self.node("LayerNormalization", [x, *rows], "norm", epsilon=1e-12)


LAYER, ADD_LAYER = "DynamicLayerNormalizationToIsland", "DynamicAddLayerNormalizationToIsland"


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("opset", [17, 21])
def test_normalization(opset: int, bias: bool) -> None:
    net = Norms()
    net.end(net.norm(net.stream(), bias), C)
    model, report = converted(net.model(opset))
    assert qudnn_ops(model) == {LAYER: 1, "DynamicQMatMul": 1}
    assert outputs_of(model, LAYER) == [False, True, True, True]
    assert not report.left and not report.approximate


@pytest.mark.parametrize("bias", [True, False])
def test_sum(bias: bool) -> None:
    net = Norms()
    net.end(net.norm(net.sum(bias)), C)
    model, report = converted(net.model())
    assert qudnn_ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 2, ADD_LAYER: 1}
    assert outputs_of(model, ADD_LAYER) == [False, False, True, True, True]
    assert not report.left
    assert [entry.name for entry in report.approximate] == ["norm_node"]


@pytest.mark.parametrize(
    ("read", "there"), [("total", [True, False]), ("norm", [False, True]), ("both", [True, True])]
)
@pytest.mark.parametrize("is_output", [False, True])
def test_sum_that_others_read(read: str, there: list[bool], is_output: bool) -> None:
    """As the residual of a transformer's next layer, which is the sum or the normalized tensor."""
    net = Norms()
    net.end(net.norm(net.sum()), C)
    for name in ["total", "norm"] if read == "both" else [read]:
        net.y(name if is_output else net.node("Neg", [name], f"{name}_negative"))
    model, report = converted(net.model())
    assert qudnn_ops(model)[ADD_LAYER] == 1
    assert outputs_of(model, ADD_LAYER) == [*there, True, True, True]
    assert "Add" not in {entry.op_type for entry in report.left}


def test_several_matmuls_of_a_normalized_tensor() -> None:
    net = Norms()
    x = net.quantize(net.norm(net.stream()))
    for name in "ab":
        net.y(net.matmul(x, name, C, 4))
    model, _ = converted(net.model())
    assert qudnn_ops(model) == {LAYER: 1, "DynamicQMatMul": 2}


def test_sum_that_is_broadcast_stays() -> None:
    net = Norms()
    total = net.node("Add", [net.stream(), net.numbers("positions", 1, 7, C)], "total")
    net.end(net.norm(total), C)
    model, report = converted(net.model())
    assert qudnn_ops(model) == {LAYER: 1, "DynamicQMatMul": 1}
    assert [entry.op_type for entry in report.left] == ["Add"]


def test_sum_of_tensors_not_known_to_have_one_shape_stays() -> None:
    net = Norms()
    total = net.node("Add", [net.stream(), net.x(("m", 7, C), "z")], "total")
    net.end(net.norm(total), C)
    model, _ = converted(net.model())
    assert qudnn_ops(model) == {LAYER: 1, "DynamicQMatMul": 1}


def with_axis(net: Norms) -> None:
    rows = [net.numbers(name, 7, C) for name in ("gamma", "beta")]
    net.node("LayerNormalization", [net.stream(), *rows], "norm", axis=1)


def with_computed_scale(net: Norms) -> None:
    gamma = net.node("Relu", [net.x((C,), "g")], "gamma")
    net.node("LayerNormalization", [net.stream(), gamma], "norm")


def with_a_needed_mean(net: Norms) -> None:
    net.norm(net.stream())
    net.nodes[-1].output.append("mean")
    net.y(net.node("Neg", ["mean"], "negative"))


NORMALIZATIONS = {
    "its axis is not the last one": with_axis,
    "its scale must be constant": with_computed_scale,
    "its outputs for mean and deviation are used": with_a_needed_mean,
}


@pytest.mark.parametrize("reason", NORMALIZATIONS)
def test_another_normalization_stays(reason: str) -> None:
    net = Norms()
    NORMALIZATIONS[reason](net)
    net.end("norm", C)
    model, report = converted(net.model())
    assert qudnn_ops(model) == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}
    assert {entry.reason for entry in report.left if entry.name == "norm_node"} == {reason}


def test_normalization_of_an_older_opset_stays() -> None:
    """onnxruntime's optimizer writes the operator into models of any opset."""
    net = Norms()
    net.end(net.norm(net.stream()), C)
    original = net.model()
    original.opset_import[0].version = 16
    report = converter.convert(original).report
    (left,) = report.left
    assert left.reason == "the model's opset is older than 17"
