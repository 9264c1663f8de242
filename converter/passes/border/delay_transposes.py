"""Transpose -> elementwise -> QBatchMatMul => elementwise -> Transpose -> QBatchMatMul"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.batch_matmuls import BATCH_MATMULS
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.passes.base import NodePass

_ELEMENTWISE = ("QTable", "QMul", "QAdd", "QFloatMul", "QFloatAdd")


class DelayTransposes(NodePass):
    """Such as the scaling of queries and keys: after it, a matmul can read them transposed."""

    SORTS = True

    def matches(self, node: ir.Node) -> bool:
        """Whether it is a Transpose that keeps channels last, and elementwise operators are after it."""
        if not is_onnx(node, "Transpose") or "perm" not in node.attributes:
            return False
        perm, consumer = ints(node, "perm"), sole_consumer(node.outputs[0])
        return perm[-1] == len(perm) - 1 and consumer is not None and _keeps_places(consumer, node.outputs[0])

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        _delay(node)


def _delay(transpose: ir.Node) -> None:
    chain: list[ir.Node] = []
    y = transpose.outputs[0]
    while (consumer := sole_consumer(y)) is not None and _keeps_places(consumer, y):
        chain.append(consumer)
        y = consumer.outputs[0]
    consumers = list(y.uses())
    if y.is_graph_output() or not all(is_qudnn(use.node, *BATCH_MATMULS) for use in consumers):
        raise Refusal("not all consumers of the elementwise operators after it are matmuls")
    x, moved = transpose.inputs[0], transpose.outputs[0]
    for index, value in enumerate(chain[0].inputs):
        if value is moved:
            chain[0].replace_input_with(index, x)
    for node, index in consumers:
        node.replace_input_with(index, moved)
    transpose.replace_input_with(0, y)


def _keeps_places(node: ir.Node, x: ir.Value) -> bool:
    """Whether it changes each element of x by itself, or by its place along the last axis."""
    if not is_qudnn(node, *_ELEMENTWISE):
        return False
    if is_qudnn(node, "QTable"):
        return node.inputs[0] is x
    others = [constant_or_none(value) for value in node.inputs if value is not None and value is not x]
    return all(array is not None and array.size == max(array.shape[-1:], default=1) for array in others)
