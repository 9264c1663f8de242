"""Running an op at conversion: its function body, on onnxruntime's CPU provider."""

from typing import Any

import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN, MIN_OPSET, VERSION, function_proto


def runtime() -> Any:
    """onnxruntime, which takes a while to import, and which few models need. Raises Refusal without it."""
    try:
        import onnxruntime
    except ImportError as error:
        raise Refusal(f"onnxruntime would compute its table, and cannot be imported: {error}") from error
    return onnxruntime


def evaluated(node: ir.Node, *inputs: NDArray[Any]) -> NDArray[Any]:
    """What the op, which has one result, makes of these in the place of its inputs.

    Raises Refusal where onnxruntime is not installed.
    """
    onnxruntime = runtime()
    names = [f"input_{index}" for index in range(len(inputs))]
    proto = ir.to_proto(node)
    assert isinstance(proto, onnx.NodeProto)
    proto.input[:], proto.output[:] = names, ["y"]
    graph = helper.make_graph(
        [proto],
        "op",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(names, inputs, strict=True)
        ],
        [helper.make_empty_tensor_value_info("y")],
    )
    function = function_proto(node.op_type, MIN_OPSET)
    imports = {opset.domain: opset for opset in function.opset_import}
    imports[DOMAIN] = helper.make_opsetid(DOMAIN, VERSION)
    model = helper.make_model(graph, opset_imports=list(imports.values()), ir_version=8, functions=[function])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, dict(zip(names, inputs, strict=True)))
    result: NDArray[Any] = y
    return result
