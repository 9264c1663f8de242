"""What keeps a model from being captured in a CUDA graph, and the messages that say so."""

from collections.abc import Sequence
from typing import Any

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from qudnn import custom_ops
from qudnn.custom_ops import Obstacle, Registration, capture
from qudnn.custom_ops import session as module
from qudnn.custom_ops.registration import CUDA

CPU = ["CPUExecutionProvider"]
X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)


def model(
    *nodes: onnx.NodeProto,
    inputs: Sequence[onnx.ValueInfoProto] = (X,),
    outputs: Sequence[onnx.ValueInfoProto] = (Y,),
    **integers: list[int],
) -> onnx.ModelProto:
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        for name, values in integers.items()
    ]
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def node(op_type: str, inputs: str, output: str = "y", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op_type, inputs.split(), [output], name=f"the_{output}", **attributes)


def vector(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64, [2])


def branch() -> onnx.GraphProto:
    inside = helper.make_tensor_value_info("inside", TensorProto.FLOAT, ["n", 4])
    return helper.make_graph([node("Identity", "x", "inside")], "branch", [], [inside])


ALLOWED = {
    "arithmetic": model(node("Relu", "x")),
    "constant sizes": model(node("Reshape", "x sizes"), sizes=[2, -1]),
    "sizes of shapes": model(
        node("Shape", "x", "shape"),
        node("Gather", "shape first", "batch"),
        node("Concat", "batch rest", "sizes", axis=0),
        node("Reshape", "x sizes"),
        first=[0],
        rest=[2, 2],
    ),
    "sizes of a Constant": model(node("Constant", "", "sizes", value_ints=[-1]), node("Reshape", "x sizes")),
    "an optional operand that is absent": model(
        helper.make_node("Resize", ["x", "", "", "sizes"], ["y"]), sizes=[2, 8]
    ),
    "dropout, which does nothing": model(node("Dropout", "x")),
}

REFUSED = {
    "control flow": (
        model(
            node("If", "flag", then_branch=branch(), else_branch=branch()),
            inputs=[X, helper.make_tensor_value_info("flag", TensorProto.BOOL, [])],
        ),
        "If 'the_y': which of its nodes run depends on values",
    ),
    "as many results as values say": (
        model(node("NonZero", "x", "places"), node("Cast", "places", to=TensorProto.FLOAT)),
        "NonZero 'the_places': how many results it has depends on values",
    ),
    "sizes that are an input": (
        model(node("Reshape", "x sizes"), inputs=[X, vector("sizes")]),
        "Reshape 'the_y': its sizes or axes, input 1 'sizes', are computed of values",
    ),
    "sizes that are computed": (
        model(
            node("Cast", "x", "integers", to=TensorProto.INT64),
            node("ReduceMax", "integers", "sizes", keepdims=0, axes=[1]),
            node("Expand", "x sizes"),
        ),
        "Expand 'the_y': its sizes or axes, input 1 'sizes', are computed of values",
    ),
    "axes that are an input": (
        model(node("ReduceSum", "x axes"), inputs=[X, vector("axes")]),
        "ReduceSum 'the_y': its sizes or axes, input 1 'axes', are computed of values",
    ),
    "random numbers": (
        model(node("RandomNormalLike", "x")),
        "RandomNormalLike 'the_y': its random numbers would be the same in each run",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_nothing_is_in_the_way(case: str) -> None:
    onnxruntime.InferenceSession(ALLOWED[case].SerializeToString(), providers=CPU)  # it is a model
    assert capture.obstacle(ALLOWED[case]) == ""


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_in_the_way_is_named(case: str) -> None:
    refused, reason = REFUSED[case]
    onnxruntime.InferenceSession(refused.SerializeToString(), providers=CPU)  # it is a model
    assert capture.obstacle(refused) == reason


def test_functions_are_looked_into_but_for_qudnns() -> None:
    with_function = model(helper.make_node("F", ["x"], ["y"], domain="own"))
    imports = [helper.make_opsetid("", 17)]
    body = [node("NonZero", "x")]
    with_function.functions.append(helper.make_function("own", "F", ["x"], ["y"], body, imports))
    assert "in function 'F'" in capture.obstacle(with_function)
    with_function.functions[0].domain = "qudnn"
    assert capture.obstacle(with_function) == ""


@pytest.mark.parametrize("case", REFUSED)
def test_a_session_raises_it(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: Registration())
    refused, reason = REFUSED[case]
    with pytest.raises(custom_ops.GraphCaptureError) as raised:
        custom_ops.InferenceSession(refused.SerializeToString(), providers=CPU, cuda_graph=True)
    assert str(raised.value) == f"cuda_graph=True: {reason}; open the session without cuda_graph"


@pytest.mark.parametrize("obstacle", [Obstacle.NO_DRIVER, Obstacle.PROVIDERS])
def test_without_a_gpu_a_session_says_so(obstacle: Obstacle, monkeypatch: pytest.MonkeyPatch) -> None:
    none = Registration(obstacle, "there is no driver")
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: none)
    with pytest.raises(custom_ops.GraphCaptureError, match="there is no driver; open the session without"):
        custom_ops.InferenceSession(ALLOWED["arithmetic"].SerializeToString(), cuda_graph=True)


def test_a_session_that_ends_up_on_the_cpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where onnxruntime cannot load its CUDA provider: it goes on without."""
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: Registration())
    with pytest.raises(custom_ops.GraphCaptureError, match="has put the session on the CPU"):
        custom_ops.InferenceSession(ALLOWED["arithmetic"].SerializeToString(), providers=CPU, cuda_graph=True)


def test_what_cannot_be_read_gives_onnxruntimes_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "register_quietly", lambda *_, **__: Registration())
    with pytest.raises(Exception) as stock:
        onnxruntime.InferenceSession(b"not a model", providers=CPU)
    with pytest.raises(type(stock.value)) as ours:
        custom_ops.InferenceSession(b"not a model", providers=CPU, cuda_graph=True)
    assert str(ours.value) == str(stock.value)


def test_a_result_without_a_buffer_is_named() -> None:
    strings = model(
        node("Cast", "x", to=TensorProto.STRING),
        outputs=[helper.make_tensor_value_info("y", TensorProto.STRING, None)],
    )
    session = onnxruntime.InferenceSession(strings.SerializeToString(), providers=CPU)
    assert capture.without_buffers(session) == "result 'y' is a tensor(string)"


def test_an_input_that_is_read_on_the_cpu_is_named() -> None:
    session = onnxruntime.InferenceSession(ALLOWED["arithmetic"].SerializeToString(), providers=CPU)
    if not hasattr(session, "get_input_memory_infos"):
        pytest.skip("onnxruntime before 1.24 does not tell")
    assert capture.off_the_gpu(session, ALLOWED["arithmetic"]) == "input 'x' is on the CPU"
    assert capture.off_the_gpu(session, model(node("Relu", "a", "b"))) == ""  # a node of none


def test_the_nodes_of_the_cpu_are_named() -> None:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry(capture.RECORD, "1")
    shapes = ALLOWED["sizes of shapes"].SerializeToString()
    session = onnxruntime.InferenceSession(shapes, options, providers=CPU)
    if not hasattr(session, "get_provider_graph_assignment_info"):
        pytest.skip("onnxruntime before 1.24 does not tell")
    names = capture.nodes_on_the_cpu(session)
    assert names == ["Reshape 'the_y'"]  # the others are on shapes
    plain = onnxruntime.InferenceSession(shapes, providers=CPU)
    assert capture.nodes_on_the_cpu(plain) == []


def test_a_refusal_of_onnxruntimes_names_nodes() -> None:
    error = RuntimeError("This session cannot use the graph capture feature as requested by the user")
    assert capture.is_refusal(error)
    assert not capture.is_refusal(RuntimeError("out of memory"))
    text = str(capture.refused(error, [f"Softmax '{i}'" for i in range(6)]))
    assert text == (
        "cuda_graph=True: onnxruntime has a part of the model on the CPU: Softmax '0', Softmax '1', "
        "Softmax '2', Softmax '3' and 2 more; open the session without cuda_graph"
    )
    assert str(error) in str(capture.refused(error, []))


def test_the_provider_is_told_to_capture() -> None:
    captures = {"enable_cuda_graph": "1"}
    assert capture.with_capture(None, None) == [(CUDA, captures), (CPU[0], {})]
    assert capture.with_capture([CUDA, *CPU], None) == [(CUDA, captures), (CPU[0], {})]
    device = {"device_id": "1"}
    assert capture.with_capture([(CUDA, device)], None) == [(CUDA, device | captures)]
    assert capture.with_capture([CUDA, *CPU], [device, {}]) == [(CUDA, device | captures), (CPU[0], {})]
    assert device == {"device_id": "1"}
    assert capture.without_capture([(CUDA, captures)]) == [(CUDA, {"enable_cuda_graph": "0"})]
    with pytest.raises(ValueError, match="zip"):
        capture.with_capture([CUDA], [{}, {}])
