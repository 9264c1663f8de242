"""Whether a model is valid, as far as passes rely on it; if not, what is wrong with it and where.

What is refused here onnxruntime refuses as well, wherever the tensor or node in question is used. It checks
nodes as it does itself (Graph::VerifyNodeAndOpMatch in graph.cc, 1.31): with onnx's checker. Only of two
initializers of one name onnxruntime uses one; which one, it does not promise.
"""

from collections.abc import Iterable, Iterator
from math import prod

import onnx
import onnx_ir as ir
from onnx import checker, defs

from qudnn.converter.domain import graphs_in
from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import shown
from qudnn.converter.graph.op_traits import ALIAS, ONNX

_ONNX = (ONNX, ALIAS)
_DATA = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data")  # or raw_data


def check(proto: onnx.ModelProto) -> None:
    """Raises ConversionError, which names the node or tensor, where the model is not valid."""
    imports = _imports(proto.opset_import)
    functions = {(function.domain, function.name) for function in proto.functions}
    context = checker.C.CheckerContext()
    context.ir_version, context.opset_imports = proto.ir_version, imports
    for body in _bodies(proto):
        for node in body.node:
            if (node.domain, node.op_type) not in functions:
                _check_node(node, imports, context)
    for tensor in _tensors(proto):
        _check_tensor(tensor)
    _check_names(proto.graph, frozenset())


def _invalid(what: str) -> ConversionError:
    return ConversionError(f"the model is not valid: {what}")


def _imports(opsets: Iterable[onnx.OperatorSetIdProto]) -> dict[str, int]:
    """The version of each domain: the last one, and one for both names of ONNX's own.

    As Model::Model has it (onnxruntime 1.30, model.cc).
    """
    imports: dict[str, int] = {}
    for opset in opsets:
        imports.update(dict.fromkeys(_ONNX if opset.domain in _ONNX else (opset.domain,), opset.version))
    return imports


def _check_node(node: onnx.NodeProto, imports: dict[str, int], context: checker.C.CheckerContext) -> None:
    for attribute in node.attribute:
        if not attribute.type and not attribute.ref_attr_name:
            raise _invalid(f"node {_text(node)}: its attribute {shown(attribute.name)} has no type")
    has_bodies = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
    if node.op_type == "Constant" and node.domain in _ONNX and not node.attribute:
        raise _invalid(f"node {_text(node)}: it has no value")
    version = imports.get(node.domain)
    # The checker does not see what a body takes from around it; of other domains it knows too little.
    if has_bodies or node.domain not in _ONNX or version is None or not defs.has(node.op_type, version):
        return
    try:
        checker.check_node(node, context)
    except checker.ValidationError as error:
        raise _invalid(f"node {_text(node)}: {str(error).splitlines()[0]}") from error


def _check_tensor(tensor: onnx.TensorProto) -> None:
    name = f"tensor {shown(tensor.name)}"
    try:
        dtype = ir.DataType(tensor.data_type)
    except ValueError:
        raise _invalid(f"{name} has the unknown type {tensor.data_type}") from None
    if dtype == ir.DataType.UNDEFINED:
        raise _invalid(f"{name} has no type")
    if any(size < 0 for size in tensor.dims):
        raise _invalid(f"{name} has the shape {list(tensor.dims)}")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return
    elements = prod(tensor.dims)
    if dtype == ir.DataType.STRING:
        if len(tensor.string_data) != elements:
            raise _invalid(f"{name} has {len(tensor.string_data)} strings, its shape needs {elements}")
        return
    if tensor.HasField("raw_data"):
        has, needs = len(tensor.raw_data), -(-elements * dtype.bitwidth // 8)
        if has != needs:
            raise _invalid(f"{name} has {has} bytes of data, its type and shape need {needs}")
    elif elements and not any(len(getattr(tensor, field)) for field in _DATA):
        raise _invalid(f"{name} has no data, and {elements} elements")


def _check_names(graph: onnx.GraphProto, outside: frozenset[str]) -> None:
    """Each name is of one value, which something computes."""
    written: set[str] = set()
    for value in graph.input:
        if value.name in written:
            raise _invalid(f"the input {shown(value.name)} is listed twice")
        written.add(value.name)
    for node in graph.node:
        for name in filter(None, node.output):
            if name in written:
                raise _invalid(f"node {_text(node)}: {shown(name)} is computed twice, or is an input as well")
            written.add(name)
    tensors: dict[str, onnx.TensorProto] = {}
    for tensor in graph.initializer:
        first = tensors.setdefault(tensor.name, tensor)
        if first is not tensor and first != tensor:
            raise _invalid(f"there are two initializers {shown(tensor.name)}, which differ")
    written.update(tensors)
    written.update(tensor.values.name for tensor in graph.sparse_initializer)
    known = outside | written
    for node in graph.node:
        for name in filter(None, node.input):
            if name not in known:
                raise _invalid(f"node {_text(node)}: nothing computes its input {shown(name)}")
        for inner in graphs_in(node):
            _check_names(inner, known)
    for value in graph.output:
        if not value.name:
            raise _invalid("an output has no name")
        if value.name not in known:
            raise _invalid(f"nothing computes the output {shown(value.name)}")


def _text(node: onnx.NodeProto) -> str:
    return f"{shown(node.name or next(filter(None, node.output), ''))} ({shown(node.op_type)})"


def _bodies(proto: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """The model's graph and the graphs inside of it."""
    waiting = [proto.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            waiting += graphs_in(node)


def _tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for graph in _bodies(proto):
        yield from graph.initializer
        for attribute in (attribute for node in graph.node for attribute in node.attribute):
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
