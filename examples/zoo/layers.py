"""Single operators of a QDQ model with what is quantized around them, as models of their own."""

from collections.abc import Iterable

import onnx
from onnx import helper

_BETWEEN = {"Clip", "Relu"}  # an operator and its QuantizeLinear


def layer(model: onnx.ModelProto, name: str) -> onnx.ModelProto | None:
    """The node of this name between its DequantizeLinears and its QuantizeLinear; 8 bits in and out.

    None where it does not stand between such.
    """
    writers = {output: node for node in model.graph.node for output in node.output}
    consumers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for read in node.input:
            consumers.setdefault(read, []).append(node)
    node = next((node for node in model.graph.node if node.name == name), None)
    if node is None:
        return None
    nodes = [writers[read] for read in dict.fromkeys(node.input) if read in writers]
    if not nodes or any(writer.op_type != "DequantizeLinear" for writer in nodes):
        return None
    nodes.append(node)
    while nodes[-1].op_type != "QuantizeLinear":
        following = consumers.get(nodes[-1].output[0], [])
        if len(following) != 1 or following[0].op_type not in _BETWEEN | {"QuantizeLinear"}:
            return None
        nodes.append(following[0])
    return _model(model, nodes)


def _model(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    written = {output for node in nodes for output in node.output}
    read = dict.fromkeys(name for node in nodes for name in node.input if name and name not in written)
    graph = helper.make_graph(
        nodes,
        "layer",
        [_typed(name, nodes, constants) for name in read if name not in constants],
        [_typed(nodes[-1].output[0], nodes, constants)],
        [constants[name] for name in read if name in constants],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _typed(
    name: str, nodes: Iterable[onnx.NodeProto], constants: dict[str, onnx.TensorProto]
) -> onnx.ValueInfoProto:
    """With the type of the zero point of who reads or writes it."""
    node = next(node for node in nodes if name in (node.input[0], node.output[0]))
    dtype = constants[node.input[2]].data_type if len(node.input) > 2 else onnx.TensorProto.UINT8
    return helper.make_tensor_value_info(name, dtype, None)
