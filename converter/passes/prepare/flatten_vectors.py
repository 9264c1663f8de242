"""Constant axes, scales and sizes of several dimensions => vectors"""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.edit import add_initializer, remove_unused
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyPass


class FlattenVectors(EarlyPass):
    """onnxruntime's Resize counts the elements alone, whatever their shape (UpsampleBase, 1.31).

    Its optimizer and other kernels do not. It drops such a node with what it fuses or folds, where the
    converted model still runs it.
    """

    def run(self, model: ir.Model) -> None:
        for node in model.graph:
            for index in _vectors(node):
                value = node_input(node, index)
                array = None if value is None else constant_or_none(value)
                if value is None or array is None or array.ndim < 2:
                    continue
                name = self.context.names.value(f"{value.name}/vector")
                node.replace_input_with(index, add_initializer(model.graph, name, array.reshape(-1)))
                remove_unused(value)


def _vectors(node: ir.Node) -> tuple[int, ...]:
    """The places of the inputs that are lists of numbers, but the shape of Reshape, which is always one."""
    if is_onnx(node, "Resize"):
        return 2, 3
    return (1,) if is_onnx(node, "Squeeze", "Unsqueeze") else ()
