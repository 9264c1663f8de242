"""ONNX's shape inference of single nodes, told the numbers that tensors are known to hold."""

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
from onnx import helper, numpy_helper

from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.op_traits import ONNX, is_onnx
from qudnn.converter.graph.sizes import Shape, Unknown, unknown

_LARGEST = 1000  # bytes of a constant that shapes may depend on


def inferred(
    node: ir.Node,
    opset: int,
    dtype_of: Callable[[ir.Value], ir.DataType | None],
    shape_of: Callable[[ir.Value], Shape | None],
    numbers_of: Callable[[ir.Value], Shape | None],
) -> list[tuple[ir.Value, ir.DataType, Shape]]:
    """What ONNX's inference finds out about the outputs of one of its operators without bodies."""
    if node.domain != ONNX or any(attribute.type in _BODIES for attribute in node.attributes.values()):
        return []
    sizes: dict[str, Unknown] = {}
    least = 1 if is_onnx(node, "Slice") else 0
    types, data = {}, {}
    for value in node.inputs:
        dtype = None if value is None else dtype_of(value)
        if value is None:
            continue
        if dtype is None:
            return []
        name = value.name or ""
        types[name] = _type(dtype, shape_of(value), sizes, least)
        array = _known(value, dtype, shape_of, numbers_of)
        if array is not None:
            data[name] = numpy_helper.from_array(array)
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, "")
        proto = ir.to_proto(node)
        assert isinstance(proto, onnx.NodeProto)
        found = onnx.shape_inference.infer_node_outputs(
            schema, proto, types, data, opset_imports=[helper.make_opsetid("", opset)]
        )
    except (onnx.defs.SchemaError, onnx.shape_inference.InferenceError, RuntimeError, ValueError):
        return []
    results = []
    for output in node.outputs:
        tensor = found[output.name].tensor_type if output.name in found else onnx.TypeProto.Tensor()
        if tensor.elem_type and tensor.HasField("shape"):
            results.append((output, ir.DataType(tensor.elem_type), _shape(output, tensor.shape, sizes)))
    return results


_BODIES = {ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS}


def _type(dtype: ir.DataType, shape: Shape | None, sizes: dict[str, Unknown], least: int) -> onnx.TypeProto:
    """With sizes below `least` unknown: ONNX's rule for Slice ends the process (std::clamp to nothing).

    Windows that do not fit, and strides below 0, lead to sizes below 0.
    """
    if shape is None:
        return helper.make_tensor_type_proto(int(dtype), None)
    dims = [str(size) if isinstance(size, Unknown) else size if size >= least else None for size in shape]
    sizes.update({str(size): size for size in shape if isinstance(size, Unknown)})
    return helper.make_tensor_type_proto(int(dtype), dims)


def _shape(output: ir.Value, shape: onnx.TensorShapeProto, sizes: dict[str, Unknown]) -> Shape:
    return tuple(
        dim.dim_value
        if dim.HasField("dim_value")
        else sizes.get(dim.dim_param) or unknown(dim.dim_param or f"{output.name}[{axis}]")
        for axis, dim in enumerate(shape.dim)
    )


def _known(
    value: ir.Value,
    dtype: ir.DataType,
    shape_of: Callable[[ir.Value], Shape | None],
    numbers_of: Callable[[ir.Value], Shape | None],
) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]] | None":
    """The constant, if it is small, or the integers that it holds in any case."""
    tensor = None if value.is_graph_input() else ir.convenience.get_const_tensor(value)
    if tensor is not None:
        return constant_or_none(value) if tensor.nbytes <= _LARGEST else None
    numbers, shape = numbers_of(value), shape_of(value)
    if numbers is None or shape is None or not all(isinstance(number, int) for number in numbers):
        return None
    return np.array(numbers, dtype.numpy()).reshape([len(numbers)] * len(shape))
