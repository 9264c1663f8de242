"""What a model declares of its constants, which need not be true: onnxruntime goes by the constants."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from qdq_networks import QdqNetwork, normal

from cases.builder import Shape
from qudnn import converter
from session import assert_same_bits, open_session, outputs

TYPES = [TensorProto.INT8, TensorProto.UINT8, TensorProto.FLOAT, TensorProto.INT64, TensorProto.UNDEFINED]
SHAPES: list[Shape | None] = [[], [1], [7], [1, "n"], None]
ZERO_POINT = "s_out_zero_point"
FEEDS = [{"x": normal(batch, 10)} for batch in (2, 1)]


def network(dtype: str = "uint8") -> QdqNetwork:
    """A softmax between pairs: of which type its result is, onnxruntime's choice of operator depends on."""
    net = QdqNetwork(dtype)
    net.y(net.node("Softmax", [net.x(["n", 10])], "s", axis=1), 0.004, 128, rank=2)
    return net


def declared(dtype: int, shape: Shape | None, name: str = ZERO_POINT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def with_node(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with a Constant in the place of an initializer."""
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == name]
    model.graph.node.insert(0, helper.make_node("Constant", [], [name], value=tensor))
    model.graph.initializer.remove(tensor)
    return model


def in_branches(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model's graph as both branches of an If; what is listed between stays there."""
    branches = []
    for name in ("then", "else"):
        branch = onnx.GraphProto()
        branch.CopyFrom(model.graph)
        branch.name = name
        del branch.input[:]
        branches.append(branch)
    names = [f"{value.name}_chosen" for value in model.graph.output]
    node = helper.make_node(
        "If", ["which"], names, "choose", then_branch=branches[0], else_branch=branches[1]
    )
    which = helper.make_tensor_value_info("which", TensorProto.BOOL, [])
    results = [onnx.ValueInfoProto(name=name) for name in names]
    graph = helper.make_graph([node], "outer", [*model.graph.input, which], results)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def assert_converts(
    model: onnx.ModelProto, ops: dict[str, int], feeds: Sequence[dict[str, Any]] = FEEDS
) -> onnx.ModelProto:
    """To these ops, with the same bits, and onnxruntime sees the same inputs and outputs."""
    conversion = converter.convert(model)
    assert conversion.report.converted == ops, str(conversion.report)
    sessions = [open_session(each) for each in (conversion.model, model)]
    shown = [[(v.name, v.type, v.shape) for v in (*s.get_inputs(), *s.get_outputs())] for s in sessions]
    assert shown[0] == shown[1]
    for feed in feeds:
        assert_same_bits(*(outputs(session, feed) for session in sessions))
    return conversion.model


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("wrong", TYPES)
@pytest.mark.parametrize("is_node", [False, True], ids=["initializer", "node"])
@pytest.mark.parametrize("place", ["output", "value_info"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_a_zero_point_has_its_own_type(
    dtype: str, place: str, is_node: bool, wrong: int, shape: Shape | None
) -> None:
    model = network(dtype).model()
    getattr(model.graph, place).append(declared(wrong, shape))
    if is_node:
        with_node(model, ZERO_POINT)
    converted = assert_converts(model, {"QSoftmax": 1})
    if place == "output":
        (shown,) = [value for value in converted.graph.output if value.name == ZERO_POINT]
        assert shown == declared(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), [])


@pytest.mark.parametrize("is_node", [False, True], ids=["initializer", "node"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_an_output_may_be_listed_without_a_type(dtype: str, is_node: bool) -> None:
    model = network(dtype).model()
    model.graph.output.append(onnx.ValueInfoProto(name=ZERO_POINT))
    assert_converts(with_node(model, ZERO_POINT) if is_node else model, {"QSoftmax": 1})


@pytest.mark.parametrize("wrong", TYPES)
@pytest.mark.parametrize("is_node", [False, True], ids=["initializer", "node"])
@pytest.mark.parametrize("place", ["output", "value_info"])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_in_a_branch_too(dtype: str, place: str, is_node: bool, wrong: int) -> None:
    model = network(dtype).model()
    getattr(model.graph, place).append(declared(wrong, [7]))
    if is_node:
        with_node(model, ZERO_POINT)
    feeds = [feed | {"which": np.array(which)} for feed in FEEDS for which in (False, True)]
    assert_converts(in_branches(model), {"QSoftmax": 2}, feeds)


@pytest.mark.parametrize("opset", [11, 17])  # the former is raised
@pytest.mark.parametrize("shape", [[7], None], ids=str)
@pytest.mark.parametrize("wrong", TYPES)
@pytest.mark.parametrize("place", ["output", "value_info"])
def test_all_constants_of_a_convolution(place: str, wrong: int, shape: Shape | None, opset: int) -> None:
    """Weights, bias, scales and zero points: each declared as all others, wrongly."""
    net = QdqNetwork()
    net.y(net.conv(net.x(), axis=None))
    model = net.model(opset)
    for tensor in model.graph.initializer:
        getattr(model.graph, place).append(declared(wrong, shape, tensor.name))
    assert_converts(model, {"QConv": 1}, [{"x": normal(batch, 4, 9, 8)} for batch in (2, 1)])


@pytest.mark.parametrize("name", ["s", "s_out/quantized", ZERO_POINT])
def test_of_nothing_else_another_type_can_be_declared(name: str) -> None:
    """Of what nodes compute and of inputs with defaults: onnxruntime opens no such model."""
    model = network().model()
    place = model.graph.input if name == ZERO_POINT else model.graph.value_info
    place.append(declared(TensorProto.INT32, None, name))
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail, match="Type Error"):
        open_session(model)
