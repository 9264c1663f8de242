"""Types and shapes that a model declares of constants => their own"""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_tensor
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import ReadPass


class SettleConstants(ReadPass):
    """An initializer or Constant may be an output, too, or be listed with the tensors between.

    What is declared there need not be true: onnxruntime 1.18 to 1.32 goes by the constant (Graph::Graph in
    graph.cc). Of what nodes compute and of inputs with defaults it lets nobody declare another type.
    """

    def run(self, model: ir.Model) -> None:
        for graph in model.graphs():
            outputs = [output for node in graph if is_onnx(node, "Constant") for output in node.outputs]
            listed = [output for output in outputs if output.type is not None or output.is_graph_output()]
            for value in (*graph.initializers.values(), *listed):
                _settle(value)


def _settle(value: ir.Value) -> None:
    tensor = constant_tensor(value)
    if tensor is None:
        return
    if value.type != ir.TensorType(tensor.dtype):
        value.type = ir.TensorType(tensor.dtype)
    value.shape = ir.Shape(tensor.shape.numpy())
