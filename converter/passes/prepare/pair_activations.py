"""DequantizeLinear -> Relu -> pool => DequantizeLinear -> Relu -> the pair of its input -> pool"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.marks import READ_IN_FLOAT
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, dtype_read, read_with
from qudnn.converter.qdq.pairs import insert_pair


class PairActivations(EarlyNodePass):
    """No value changes: what a Relu makes of a dequantized number is zero, or that number.

    So a pool that reads an activation reads a quantized tensor. Tools write this that quantize the inputs of
    some operators only. onnxruntime computes such a pool in float32 (NodeGroupSelector::CheckQDQNodes,
    qdq_selectors.cc, 1.30), which read_in_float remembers.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "Relu"):
            return False
        dequantize = required_input(node, 0).producer()
        if not dequantizes(dequantize) or dequantize.graph is not node.graph:
            return False
        pooled = any(_pools(use.node) and use.node.graph is node.graph for use in node.outputs[0].uses())
        return pooled and constant_or_none(required_input(dequantize, 0)) is None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        y = node.outputs[0]
        if sole_consumer(y, once=True) is None:
            raise Refusal("a pool is not the sole consumer of its result")
        dequantize = _producer(required_input(node, 0))
        read_with(dequantize, dtype_read(dequantize))  # or it refuses
        paired = insert_pair(y, dequantize, self.context.names)
        quantized = required_input(_producer(paired), 0)
        for use in list(y.uses()):
            if use.node is not quantized.producer():
                use.node.replace_input_with(use.idx, paired)
        READ_IN_FLOAT.put_on(quantized)


def _pools(node: ir.Node) -> bool:
    return is_onnx(
        node, "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool", "ReduceMax", "ReduceMean"
    )


def _producer(value: ir.Value) -> ir.Node:
    node = value.producer()
    assert node is not None
    return node
