"""Transpose -> elementwise -> QBatchMatMul => elementwise -> Transpose -> QBatchMatMul"""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.island.crossings import ints, is_op
from qudnn.converter.passes.base import Pass

_ELEMENTWISE = ("QTable", "QMul", "QAdd", "QFloatMul", "QFloatAdd")
_BATCH_MATMULS = ("QBatchMatMul", "QBatchMatMulToFloat", "QBatchMatMulToInt32")


class DelayTransposes(Pass):
    """Such as the scaling of queries and keys: after it, a matmul can read them transposed."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for node in list(model.graph):
            if _keeps_channels_last(node):
                modified |= _delay(node)
        if modified:
            model.graph.sort()
        return ir.passes.PassResult(model, modified)


def _keeps_channels_last(node: ir.Node) -> bool:
    if node.op_type != "Transpose" or node.domain or "perm" not in node.attributes:
        return False
    perm = ints(node, "perm")
    return perm[-1] == len(perm) - 1


def _delay(transpose: ir.Node) -> bool:
    chain: list[ir.Node] = []
    y = transpose.outputs[0]
    while (consumer := sole_consumer(y)) is not None and _keeps_places(consumer, y):
        chain.append(consumer)
        y = consumer.outputs[0]
    consumers = list(y.uses())
    if not chain or y.is_graph_output() or not all(is_op(use.node, *_BATCH_MATMULS) for use in consumers):
        return False
    x, moved = transpose.inputs[0], transpose.outputs[0]
    for index, value in enumerate(chain[0].inputs):
        if value is moved:
            chain[0].replace_input_with(index, x)
    for node, index in consumers:
        node.replace_input_with(index, moved)
    transpose.replace_input_with(0, y)
    return True


def _keeps_places(node: ir.Node, x: ir.Value) -> bool:
    """Whether it changes each element of x by itself, or by its place along the last axis."""
    if not is_op(node, *_ELEMENTWISE):
        return False
    if node.op_type == "QTable":
        return node.inputs[0] is x
    others = [constant_or_none(value) for value in node.inputs if value is not None and value is not x]
    return all(array is not None and array.size == max(array.shape[-1:], default=1) for array in others)
