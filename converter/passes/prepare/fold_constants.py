"""QuantizeLinear and other operators on constants alone => the constants that they make"""

import math
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import folded
from qudnn.converter.graph.constants import constant_tensor, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.constants import quantized
from qudnn.converter.qdq.linear import dequantizes, quantizes

_MOST_GROWTH = 2  # in bytes: float16 to float32, but not 8 bits to float32
_SHORT = 1024  # elements, of results that may be longer than what they are made of

# Shapes and indices are numbers that qudnn.converter.analysis.shape_values knows.
_TYPES = {
    ir.DataType.DOUBLE,
    ir.DataType.FLOAT,
    ir.DataType.FLOAT16,
    ir.DataType.INT8,
    ir.DataType.UINT8,
}


class FoldConstants(EarlyNodePass):
    """Some tools leave weights in float before a QuantizeLinear, or clip and transpose them in the graph.

    onnxruntime folds that with its CPU kernels before it runs a model (ConstantFolding, constant_folding.cc,
    1.31), so they compute it here. DequantizeLinear stays, there as here: it says what a constant stands for.
    """

    def run(self, model: ir.Model) -> None:
        self._opsets = model.opset_imports
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        if quantizes(node):
            return _is_constant(required_input(node, 0))
        if not has_trait(node, Trait.FOLDS) or len(node.outputs) != 1:
            return False
        known = [constant_tensor(value) for value in node.inputs if value is not None]
        return bool(known) and None not in known and known[0] is not None and known[0].dtype in _TYPES

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        y = node.outputs[0]
        if y.is_graph_output():
            raise Refusal("its result is an output of the graph")
        array = quantized(node) if quantizes(node) else _folded(node, self._opsets)
        name = self.context.names.value(f"{y.name}/constant")
        y.replace_all_uses_with(add_initializer(graph, name, array))
        remove_orphans([node])


def _is_constant(value: ir.Value) -> bool:
    """Whether it is a constant, or a dequantized one."""
    producer = value.producer()
    return constant_tensor(required_input(producer, 0) if dequantizes(producer) else value) is not None


def _folded(node: ir.Node, opsets: dict[str, int]) -> NDArray[Any]:
    """What the node makes of constants. Raises Refusal where that is not to be computed here."""
    tensors = [None if value is None else constant_tensor(value) for value in node.inputs]
    if not _stays_short(node, [tensor for tensor in tensors if tensor is not None]):
        raise Refusal("its result would be longer than what it is made of")
    return folded(node, [None if tensor is None else tensor.numpy() for tensor in tensors], opsets)


def _stays_short(node: ir.Node, tensors: list[ir.TensorProtocol]) -> bool:
    """Whether the model cannot grow much when the result takes the place of the tensors."""
    sizes = [math.prod(tensor.shape.numpy()) for tensor in tensors]
    if is_onnx(node, "Cast"):
        bits = ir.DataType(node.attributes["to"].as_int()).itemsize / tensors[0].dtype.itemsize
        return bits <= _MOST_GROWTH
    if has_trait(node, Trait.BROADCASTS):
        try:
            elements = math.prod(np.broadcast_shapes(*(tensor.shape.numpy() for tensor in tensors)))
        except ValueError:
            return False
        return elements <= max(*sizes, _SHORT)
    return True
