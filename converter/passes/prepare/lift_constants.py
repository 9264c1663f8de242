"""Constant => an initializer"""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_tensor
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyPass


class LiftConstants(EarlyPass):
    """An initializer precedes all nodes: a pass that moves a node need not check where its constants are.

    onnxruntime does so where it reads a model (onnxruntime 1.30, graph.cc, Graph::Graph). An output of
    the graph stays a node, before all others, and so does what is no tensor of numbers.
    """

    def run(self, model: ir.Model) -> None:
        graph = model.graph
        constants = [node for node in graph if is_onnx(node, "Constant")]
        lifted = []
        for node in constants:
            y = node.outputs[0]
            tensor = None if y.is_graph_output() else constant_tensor(y)
            if tensor is not None and tensor.dtype != ir.DataType.STRING:
                y.replace_all_uses_with(_initializer(graph, y, tensor))
                lifted.append(node)
        graph.remove(lifted, safe=True)
        rest = [node for node in constants if node.graph is graph]
        if rest:
            graph.remove(rest)
            first = next(iter(graph), None)
            if first is None:
                graph.extend(rest)
            else:
                graph.insert_before(first, rest)


def _initializer(graph: ir.Graph, y: ir.Value, tensor: ir.TensorProtocol) -> ir.Value:
    value = ir.Value(
        name=y.name,
        type=ir.TensorType(tensor.dtype),
        shape=ir.Shape(list(tensor.shape.numpy())),
        doc_string=y.doc_string,
        const_value=tensor,
        metadata_props=y.metadata_props,
    )
    graph.initializers.add(value)
    return value
