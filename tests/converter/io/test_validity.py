"""Models that are not valid: one error says what is wrong and where; onnxruntime opens none of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from qudnn import converter

Change = Callable[[onnx.ModelProto], onnx.ModelProto]


def quantized(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    """A quantized MatMul, which converts, and these nodes after it."""
    constants = [
        numpy_helper.from_array(np.array(0.1, np.float32), "s"),
        numpy_helper.from_array(np.array(128, np.uint8), "z"),
        numpy_helper.from_array(np.eye(8, dtype=np.int8), "w"),
        numpy_helper.from_array(np.array(0, np.int8), "w_z"),
    ]
    graph = helper.make_graph(
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["x_q"]),
            helper.make_node("DequantizeLinear", ["x_q", "s", "z"], ["x_d"]),
            helper.make_node("DequantizeLinear", ["w", "s", "w_z"], ["w_d"]),
            helper.make_node("MatMul", ["x_d", "w_d"], ["m"]),
            helper.make_node("QuantizeLinear", ["m", "s", "z"], ["y_q"]),
            helper.make_node("DequantizeLinear", ["y_q", "s", "z"], ["y"]),
            *nodes,
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(op_type: str, inputs: list[str], outputs: tuple[str, ...] = ("t",), **attributes: Any) -> Change:
    return lambda _: quantized(helper.make_node(op_type, inputs, list(outputs), **attributes))


def attribute(type_: Any) -> Change:
    def change(_: onnx.ModelProto) -> onnx.ModelProto:
        relu = helper.make_node("Relu", ["y"], ["t"])
        relu.attribute.append(AttributeProto(name="a", type=type_))
        return quantized(relu)

    return change


def tensor(**changes: Any) -> Change:
    """Of the weights."""

    def change(model: onnx.ModelProto) -> onnx.ModelProto:
        for name, value in changes.items():
            if name == "dims":
                model.graph.initializer[2].dims[:] = value
            else:
                setattr(model.graph.initializer[2], name, value)
        return model

    return change


def body(model: onnx.ModelProto) -> onnx.ModelProto:
    """An If that looks for a value outside of it."""
    inner = helper.make_graph([helper.make_node("Relu", ["nowhere"], ["o"])], "b", [], [])
    inner.output.append(helper.make_tensor_value_info("o", TensorProto.FLOAT, None))
    model = quantized(helper.make_node("If", ["c"], ["t"], then_branch=inner, else_branch=inner))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    return model


def output(model: onnx.ModelProto) -> onnx.ModelProto:
    model.graph.output[0].name = "nowhere"
    return model


CASES: dict[str, tuple[Change, str]] = {
    "dangling": (node("Relu", ["nowhere"]), "node t (Relu): nothing computes its input nowhere"),
    "dangling in a body": (body, "node o (Relu): nothing computes its input nowhere"),
    "dangling output": (output, "nothing computes the output nowhere"),
    "twice": (node("Relu", ["x"], ("y",)), "node y (Relu): y is computed twice"),
    "an input computed": (node("Relu", ["y"], ("x",)), "node x (Relu): x is computed twice, or is an input"),
    "a name in two lines": (node("Relu", ["a\nb"]), r"node t (Relu): nothing computes its input 'a\nb'"),
    "a long name": (node("Relu", ["a" * 999]), f"node t (Relu): nothing computes its input {'a' * 200}..."),
    "no outputs": (node("Relu", ["y"], ()), "node ? (Relu): "),
    "no inputs": (node("Identity", []), "node t (Identity): "),
    "too few inputs": (node("Gather", ["y"]), "node t (Gather): "),
    "no such attribute": (node("Relu", ["y"], to=1), "node t (Relu): Unrecognized attribute: to"),
    "attribute missing": (node("Cast", ["y"]), "node t (Cast): Required attribute 'to' is missing"),
    "attribute of another type": (node("Transpose", ["y"], perm=1), "node t (Transpose): Mismatched"),
    "attribute without type": (attribute(0), "node t (Relu): its attribute a has no type"),
    "attribute of a rare type": (attribute(14), "node t (Relu): Unrecognized attribute: a"),
    "a constant without value": (node("Constant", []), "node t (Constant): it has no value"),
    "too few bytes": (tensor(raw_data=b"123"), "tensor w has 3 bytes of data, its type and shape need 64"),
    "no data": (lambda m: _without_data(m), "tensor w has no data, and 64 elements"),
    "negative size": (tensor(dims=[-1]), "tensor w has the shape [-1]"),
    "huge": (tensor(dims=[2**40, 2**40]), "tensor w has 64 bytes of data"),
    "unknown type": (tensor(data_type=99), "tensor w has the unknown type 99"),
    "no type": (tensor(data_type=0), "tensor w has no type"),
    "strings": (tensor(data_type=8), "tensor w has 0 strings, its shape needs 64"),
}


@pytest.mark.parametrize("what", CASES)
def test_what_is_wrong_is_said(what: str) -> None:
    change, text = CASES[what]
    model = change(quantized())
    with pytest.raises(converter.ConversionError) as refused:
        converter.convert(model)
    assert str(refused.value).startswith(f"the model is not valid: {text}")
    assert "\n" not in str(refused.value)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with pytest.raises(Exception, match=r"."):
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def test_initializers_of_one_name_have_one_value() -> None:
    """onnxruntime opens such a model and uses one of them."""
    model = quantized()
    model.graph.initializer.append(numpy_helper.from_array(np.array(0.1, np.float32), "s"))
    assert converter.convert(model).report.converted
    model.graph.initializer.append(numpy_helper.from_array(np.array(0.2, np.float32), "s"))
    with pytest.raises(converter.ConversionError, match="there are two initializers s, which differ"):
        converter.convert(model)


def _without_data(model: onnx.ModelProto) -> onnx.ModelProto:
    model.graph.initializer[2].ClearField("raw_data")
    return model


def test_what_is_unusual_but_valid_converts() -> None:
    """Data in fields of their own, names that only bodies use, an operator of a domain nobody knows."""
    model = quantized(helper.make_node("Own", ["y"], ["own"], domain="own", a="b"))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.initializer[2].CopyFrom(
        helper.make_tensor("w", TensorProto.INT8, [8, 8], np.eye(8, dtype=np.int8).flatten().tolist())
    )
    assert not model.graph.initializer[2].HasField("raw_data")
    inner = helper.make_graph([helper.make_node("Relu", ["m"], ["o"])], "b", [], [])
    inner.output.append(helper.make_tensor_value_info("o", TensorProto.FLOAT, None))
    model.graph.node.append(helper.make_node("If", ["c"], ["t"], then_branch=inner, else_branch=inner))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "c"))
    assert converter.convert(model).report.converted


@pytest.mark.parametrize("name", ["", "anything"])
def test_the_argument_stays_as_it_is(name: str) -> None:
    """Tensors of Constant nodes too, in graphs, bodies and functions."""

    def constant(output: str, value: float, dtype: type) -> onnx.NodeProto:
        return helper.make_node(
            "Constant", [], [output], value=numpy_helper.from_array(np.array(value, dtype), name)
        )

    inner = helper.make_graph(
        [constant("k", 1, np.float32), helper.make_node("Add", ["y", "k"], ["o"])],
        "b",
        [],
        [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
    )
    branch = helper.make_node("If", ["c"], ["t"], then_branch=inner, else_branch=inner)
    model = quantized(constant("c", True, np.bool_), branch)
    for _ in range(2):
        del model.graph.initializer[0]
    model.graph.node.insert(0, constant("s", 0.1, np.float32))
    model.graph.node.insert(0, constant("z", 128, np.uint8))
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(
        helper.make_function(
            "f",
            "f",
            ["a"],
            ["b"],
            [constant("k", 1, np.float32), helper.make_node("Add", ["a", "k"], ["b"])],
            opset,
        )
    )
    model.opset_import.append(helper.make_opsetid("f", 1))
    model.graph.node.append(helper.make_node("f", ["y"], ["f"], domain="f"))
    before = model.SerializeToString(deterministic=True)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QMatMul": 1}
    assert model.SerializeToString(deterministic=True) == before
