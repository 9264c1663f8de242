"""Writing the nodes that stand for one of the model's."""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.graph.edit import add_initializer
from qudnn.converter.graph.names import Names


class Writer:
    """Makes nodes one after the other, named after the node that they stand for and what they do."""

    def __init__(self, names: Names, name: str | None, graph: ir.Graph) -> None:
        self.nodes: list[ir.Node] = []
        self._names, self._name, self._graph = names, name, graph

    def __call__(self, op_type: str, *inputs: ir.Value, domain: str = "", **attributes: Any) -> ir.Value:
        name = self._names.node(f"{self._name}/{op_type.lower()}")
        node = ir.node(op_type, inputs, attributes, domain=domain, name=name)
        node.outputs[0].name = self._names.value(name)
        self.nodes.append(node)
        return node.outputs[0]

    def floats(self, op_type: str, *inputs: ir.Value, domain: str = "", **attributes: Any) -> ir.Value:
        """With a result in float32, which ONNX's inference cannot tell after onnxruntime's operators."""
        y = self(op_type, *inputs, domain=domain, **attributes)
        y.type = ir.TensorType(ir.DataType.FLOAT)
        return y

    def constant(self, what: str, array: NDArray[Any]) -> ir.Value:
        name = self._names.value(f"{self._name}/{what}")
        return add_initializer(self._graph, name, np.asarray(array, order="C"))

    def number(self, what: str, number: float) -> ir.Value:
        """In float32."""
        return self.constant(what, np.array(number, np.float32))

    def numbers(self, what: str, numbers: int | list[int]) -> ir.Value:
        """In int64, as sizes and axes are."""
        return self.constant(what, np.array(numbers, np.int64))
