"""DequantizeLinear of int32 outside of islands, which onnxruntime has for the CPU alone."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from conversions import convert, floats, reasons
from onnx import TensorProto
from qdq_networks import QdqNetwork

from cases.builder import MICROSOFT, Array
from qudnn import converter
from session import session_options

C = 16
WIDE = 2**31  # rounded to float32, where neighbours differ by more than 1
BREVITAS = Path(__file__).parents[3] / "quantizers" / "models" / "brevitas-encoder-ts-layerwise.onnx"


def network(dtype: str = "uint8") -> QdqNetwork:
    """With a matmul that converts, and e, computed in float32."""
    net = QdqNetwork(dtype)
    net.y(net.node("MatMul", [net.x(("n", 5, C)), net.weights("w", (C, C), 1)], "m"), rank=3)
    net.node("Exp", [net.input("z", "float32", ("n", 5, C))], "e")
    return net


def numbers(*shape: int) -> Array:
    return np.random.default_rng(2).integers(-WIDE, WIDE, shape, np.int32)


def bias(
    net: QdqNetwork, values: Array, scale: Any = 1.3e-9, *more: str, domain: str = "", **given: Any
) -> str:
    inputs = [net.constant("b_32", values), net.constant("b_scale", scale, "float32"), *more]
    return net.node("DequantizeLinear", inputs, "b", domain, **given)


def result(net: QdqNetwork, y: str) -> str:
    net.output(y, "float32", [f"{y}_{axis}" for axis in range(3)])
    return y


def dequantized_int32(model: onnx.ModelProto) -> list[str]:
    """The DequantizeLinear nodes of int32 that are left."""
    int32 = {c.name for c in model.graph.initializer if c.data_type == TensorProto.INT32}
    int32 |= {i.name for i in model.graph.input if i.type.tensor_type.elem_type == TensorProto.INT32}
    return [n.name for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in int32]


def converted(net: QdqNetwork, opset: int = 17, **inputs: Array) -> converter.Conversion:
    """With the same bits on the CPU provider."""
    conversion = convert(net.model(opset), x=floats(2, 5, C), z=floats(2, 5, C), **inputs)
    assert conversion.report.converted == {"QMatMul": 1}
    return conversion


def assert_by_product(conversion: converter.Conversion) -> None:
    assert not dequantized_int32(conversion.model)
    (product,) = [node for node in conversion.model.graph.node if "b" in node.output]
    assert (product.op_type, product.name) == ("Mul", "b_node")
    assert "a product computes it" in reasons(conversion)["b_node"]


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("first", [True, False])
def test_consumers(op: str, first: bool) -> None:
    net = network()
    b = bias(net, numbers(C) | 1)
    result(net, net.node(op, [b, "e"] if first else ["e", b], "y"))
    assert_by_product(converted(net))


@pytest.mark.parametrize("shape", [(), (C,), (5, C)])
@pytest.mark.parametrize("domain", ["", MICROSOFT])
def test_one_scale(shape: tuple[int, ...], domain: str) -> None:
    net = network()
    result(net, net.node("Add", [bias(net, numbers(*shape), domain=domain), "e"], "y"))
    assert_by_product(converted(net))


@pytest.mark.parametrize("zero_point", [True, False])
def test_a_scale_for_each_element(zero_point: bool) -> None:
    net = network()
    zeros = [net.constant("zeros", np.zeros(C), "int32")] if zero_point else []
    b = bias(net, numbers(C), np.random.default_rng(3).uniform(1e-9, 1e-7, C), *zeros, axis=0)
    result(net, net.node("Add", [b, "e"], "y"))
    assert_by_product(converted(net))


def test_inputs_of_the_model() -> None:
    """Brevitas exports scales so, with defaults."""
    net = network()
    b = net.node("DequantizeLinear", [net.input("q", "int32", (C,)), net.input("s", "float32", ())], "b")
    result(net, net.node("Add", [b, "e"], "y"))
    assert_by_product(converted(net, q=numbers(C), s=np.array(1.7e-9, np.float32)))


def test_an_output_of_the_model() -> None:
    net = network()
    net.output(bias(net, numbers(C)), "float32", (C,))
    result(net, net.node("Add", ["b", "e"], "y"))
    assert_by_product(converted(net))


def test_onnxruntime_fuses_no_more_than_before(tmp_path: Path) -> None:
    """A bias that is a constant would become part of the normalization, which adds it in another order."""
    net = network()
    added = net.node("Add", ["e", bias(net, numbers(C))], "added")
    residual = net.node("Add", [added, net.input("r", "float32", ("n", 5, C))], "residual")
    parameters = [net.constant("gamma", np.ones(C), "float32"), net.constant("beta", np.zeros(C), "float32")]
    result(net, net.node("LayerNormalization", [residual, *parameters], "y"))
    conversion = converted(net, r=floats(2, 5, C))
    assert_by_product(conversion)
    options = session_options(conversion.model)
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    cpu = ["CPUExecutionProvider"]
    onnxruntime.InferenceSession(conversion.model.SerializeToString(), options, providers=cpu)
    nodes = onnx.load(options.optimized_model_filepath).graph.node
    assert [len(node.input) for node in nodes if node.op_type == "SkipLayerNormalization"] == [4]


def test_zero_points_stay() -> None:
    net = network()
    b = bias(net, numbers(C) // 2, 1.3e-9, net.constant("zero_point", 7, "int32"))
    result(net, net.node("Add", [b, "e"], "y"))
    assert dequantized_int32(converted(net).model) == ["b_node"]


@pytest.mark.parametrize("op", ["MatMul", "Gemm", "Conv", "ConvTranspose", "Exp"])
def test_what_other_operators_read_stays(op: str) -> None:
    """An Add reads it, too."""
    net = network()
    if op in ("Conv", "ConvTranspose"):
        b = bias(net, numbers(C))
        inputs = [net.node("Transpose", ["e"], "t", perm=[0, 2, 1]), "filters", b]
        net.constant("filters", np.ones((C, C, 1)), "float32")
    else:
        b = bias(net, numbers(C, C))
        inputs = [b] if op == "Exp" else [b, net.constant("square", np.ones((C, C)), "float32")]
    net.output(net.node(op, inputs, "other"), "float32", ["k"] * 2 if inputs[0] == b else ["n", C, 5])
    net.output(net.node("Add", [b, b], "y"), "float32", [C] if inputs[0] != b else [C, C])
    conversion = converted(net)
    assert dequantized_int32(conversion.model) == ["b_node"]
    assert "product" not in reasons(conversion)["b_node"]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_vector_of_scales_for_a_matrix(axis: int) -> None:
    net = network()
    scales = np.random.default_rng(3).uniform(1e-9, 1e-7, (5, C)[axis])
    result(net, net.node("Add", [bias(net, numbers(5, C), scales, axis=axis), "e"], "y"))
    assert_by_product(converted(net))


def test_a_vector_of_scales_for_a_matrix_that_is_an_input_stays() -> None:
    net = network()
    scales = net.constant("scales", np.random.default_rng(3).uniform(1e-9, 1e-7, C), "float32")
    b = net.node("DequantizeLinear", [net.input("q", "int32", (5, C)), scales], "b", axis=1)
    result(net, net.node("Add", [b, "e"], "y"))
    assert dequantized_int32(converted(net, q=numbers(5, C)).model) == ["b_node"]


def test_one_number_for_all() -> None:
    net = network()
    first = bias(net, numbers(C))
    second = net.node("DequantizeLinear", [net.constant("d_32", numbers(5, C)), "b_scale"], "d")
    y = net.node("Add", [net.node("Sub", ["e", first], "difference"), second], "y")
    result(net, y)
    model = converted(net).model
    (one,) = [node for node in model.graph.node if node.op_type == "DequantizeLinear"]
    products = [node for node in model.graph.node if one.output[0] in node.input]
    assert [node.op_type for node in products] == ["Mul", "Mul"]


def test_excluded_ones_stay() -> None:
    net = network()
    result(net, net.node("Add", [bias(net, numbers(C)), "e"], "y"))
    conversion = converter.convert(net.model(), exclude=["b_node"])
    assert conversion.report.converted == {"QMatMul": 1}
    assert dequantized_int32(conversion.model) == ["b_node"]


def test_nothing_changes_where_nothing_converts() -> None:
    net = QdqNetwork()
    net.node("Exp", [net.input("z", "float32", ("n", 5, C))], "e")
    result(net, net.node("Add", [bias(net, numbers(C)), "e"], "y"))
    conversion = converter.convert(net.model())
    assert not conversion.report.converted
    assert Counter(node.op_type for node in conversion.model.graph.node) == {
        "Exp": 1,
        "DequantizeLinear": 1,
        "Add": 1,
    }


def test_what_brevitas_exports() -> None:
    """Its bits are compared in test_quantizers_models.py."""
    conversion = converter.convert(BREVITAS)
    assert not dequantized_int32(conversion.model)
    products = [left.name for left in conversion.report.left if "a product computes it" in left.reason]
    assert len(products) == 4
