"""DequantizeLinear -> Relu -> pool => DequantizeLinear -> Relu -> the pair of its input -> pool"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.marks import READ_IN_FLOAT
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import dequantizes, dtype_read, read_with
from qudnn.converter.qdq.pairs import insert_pair


class PairActivations(EarlyPass):
    """No value changes: what a Relu makes of a dequantized number is zero, or that number.

    So a pool that reads an activation reads a quantized tensor. Tools write this that quantize the inputs of
    some operators only. onnxruntime computes such a pool in float32, which read_in_float remembers.
    """

    def run(self, model: ir.Model) -> None:
        for relu in list(model.graph):
            dequantize = _paired_before(relu)
            if dequantize is None:
                continue
            paired = insert_pair(relu.outputs[0], dequantize, self.context.names)
            quantized = required_input(_producer(paired), 0)
            for use in list(relu.outputs[0].uses()):
                if use.node is not quantized.producer():
                    use.node.replace_input_with(use.idx, paired)
            READ_IN_FLOAT.put_on(quantized)


def _paired_before(relu: ir.Node) -> ir.Node | None:
    """The DequantizeLinear that a Relu reads, if a pool alone reads the Relu."""
    if not is_onnx(relu, "Relu"):
        return None
    dequantize = required_input(relu, 0).producer()
    pool = sole_consumer(relu.outputs[0], once=True, inside=True)
    if not dequantizes(dequantize) or dequantize.graph is not relu.graph:
        return None
    if not is_onnx(pool, "AveragePool", "GlobalAveragePool", "MaxPool", "ReduceMean"):
        return None
    x = required_input(dequantize, 0)
    try:
        read_with(dequantize, dtype_read(dequantize))
    except Refusal:
        return None
    return None if constant_or_none(x) is not None else dequantize


def _producer(value: ir.Value) -> ir.Node:
    node = value.producer()
    assert node is not None
    return node
