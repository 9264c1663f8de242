"""Running a node at conversion, on onnxruntime's CPU provider: one of ONNX, or an op by its function body."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN, MIN_OPSET, VERSION, function_proto


def runtime() -> Any:
    """onnxruntime, which takes a while to import, and which few models need. Raises Refusal without it."""
    try:
        import onnxruntime
    except ImportError as error:
        raise Refusal(f"onnxruntime would compute its table, and cannot be imported: {error}") from error
    return onnxruntime


def session_of(model: onnx.ModelProto | bytes) -> Any:
    """A session over the model on the CPU provider, on one thread, that prints nothing.

    Raises Refusal without onnxruntime, and whatever that raises for a model that it does not open.
    """
    onnxruntime = runtime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    content = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def evaluated(node: ir.Node, *inputs: NDArray[Any]) -> NDArray[Any]:
    """What the op, which has one result, makes of these in the place of its inputs.

    Raises Refusal where onnxruntime is not installed.
    """
    function = function_proto(node.op_type, MIN_OPSET)
    imports = {opset.domain: opset.version for opset in function.opset_import} | {DOMAIN: VERSION}
    return _run(node, inputs, imports, [function])


def result_of(op_type: str, attributes: Mapping[str, Any], *inputs: NDArray[Any]) -> NDArray[Any]:
    """As evaluated, of an op with these attributes."""
    operands = [ir.Value(name=f"input_{index}") for index in range(len(inputs))]
    return evaluated(ir.node(op_type, operands, attributes=dict(attributes), domain=DOMAIN), *inputs)


def folded(node: ir.Node, inputs: Sequence[NDArray[Any] | None], opsets: Mapping[str, int]) -> NDArray[Any]:
    """What a node of ONNX, which has one result, makes of these; None stands for an input that is left out.

    opsets: version by domain. Raises Refusal where onnxruntime is not installed, or does not run the node.
    """
    try:
        return _run(node, inputs, {"": opsets.get("", MIN_OPSET)}, [])
    except Refusal:
        raise
    except Exception as error:  # onnxruntime has no common type of error
        raise Refusal(f"onnxruntime does not run it on its constants: {error}") from error


def computed(
    nodes: Sequence[ir.Node],
    wanted: Sequence[ir.Value],
    opsets: Mapping[str, int],
    told: Mapping[ir.Value, NDArray[Any]] | None = None,
) -> list[NDArray[Any]]:
    """The values that nodes compute of constants and of one another, all in one run.

    nodes: in the order of the graph. opsets: version by domain. told: what values are besides. Raises Refusal
    where onnxruntime is not installed, or does not run them.
    """
    runtime()
    if not wanted:
        return []
    made = {output for node in nodes for output in node.outputs}
    known = {
        value: None for node in nodes for value in node.inputs if value is not None and value not in made
    }
    arrays_of = dict(told or {})
    for value in known.keys() - arrays_of.keys():
        tensor = ir.convenience.get_const_tensor(value)
        if tensor is not None:
            arrays_of[value] = tensor.numpy()
    graph = helper.make_graph(
        [ir.to_proto(node) for node in nodes],
        "constants",
        [],
        [helper.make_empty_tensor_value_info(value.name or "") for value in wanted],
        [numpy_helper.from_array(arrays_of[value], value.name) for value in known if value in arrays_of],
    )
    imports = [helper.make_opsetid("", opsets.get("", MIN_OPSET))]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    try:
        arrays: list[NDArray[Any]] = session_of(model).run(None, {})
    except Exception as error:  # onnxruntime has no common type of error
        raise Refusal(f"onnxruntime does not run nodes on their constants: {error}") from error
    return arrays


def _run(
    node: ir.Node,
    inputs: Sequence[NDArray[Any] | None],
    opsets: Mapping[str, int],
    functions: Sequence[onnx.FunctionProto],
) -> NDArray[Any]:
    names = ["" if array is None else f"input_{index}" for index, array in enumerate(inputs)]
    feed = {name: array for name, array in zip(names, inputs, strict=True) if array is not None}
    proto = ir.to_proto(node)
    assert isinstance(proto, onnx.NodeProto)
    proto.input[:], proto.output[:] = names, ["y"]
    graph = helper.make_graph(
        [proto],
        "op",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in feed.items()
        ],
        [helper.make_empty_tensor_value_info("y")],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8, functions=functions)
    (y,) = session_of(model).run(None, feed)
    result: NDArray[Any] = y
    return result
