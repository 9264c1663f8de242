"""Constants in function bodies, in the forms that all tools that read ONNX accept."""

from collections.abc import Iterator

import numpy as np
from onnx import FunctionProto, NodeProto, helper, numpy_helper

_DTYPES = {
    "value_int": np.int64,
    "value_ints": np.int64,
    "value_float": np.float32,
    "value_floats": np.float32,
}


def with_portable_constants(proto: FunctionProto) -> FunctionProto:
    """The function with its literal constants as tensors, and a Cast after those that are its attributes.

    onnxscript writes value_int, value_ints, value_float and value_floats. Of lists, shape inference makes
    tensors without dimensions in onnxruntime before 1.25: pads then are a scalar, and the model is refused.
    Other tools (onnxslim, after onnx.inliner) read floats as float64. A tensor has its type and dimensions.
    What is an attribute of the function cannot be one: a Cast to the type that it has hides it from the
    inference, and makes float32 of float64. onnxruntime folds it when it opens the model.
    """
    result = FunctionProto()
    result.CopyFrom(proto)
    del result.node[:]
    for node in proto.node:
        result.node.extend(_portable(node) if node.op_type == "Constant" and not node.domain else [node])
    return result


def _portable(node: NodeProto) -> Iterator[NodeProto]:
    (attribute,) = node.attribute
    (output,) = node.output
    if attribute.name not in _DTYPES or (attribute.ref_attr_name and attribute.name == "value_int"):
        yield node
    elif not attribute.ref_attr_name:
        numbers = np.array(helper.get_attribute_value(attribute), _DTYPES[attribute.name])
        tensor = numpy_helper.from_array(numbers)
        yield helper.make_node("Constant", [], [output], name=node.name, value=tensor)
    else:
        given = NodeProto()
        given.CopyFrom(node)
        given.output[:] = [f"{output}_given"]
        yield given
        to = helper.np_dtype_to_tensor_dtype(np.dtype(_DTYPES[attribute.name]))
        yield helper.make_node("Cast", given.output, [output], name=f"{node.name}_cast", to=to)
