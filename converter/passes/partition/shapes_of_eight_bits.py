"""DequantizeLinear -> Shape => Shape; Shape of what is quantized as well => QuantizeLinear -> Shape"""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import Pass
from qudnn.converter.qdq.linear import dequantizes, quantizes


class ShapesOfEightBits(Pass):
    """So that a tensor need not exist in floating point only because its shape is used."""

    def run(self, model: ir.Model) -> None:
        rewritten = False
        nodes = reversed(model.graph)
        quantized = {node.inputs[0]: node for node in nodes if _quantizes_by_constants(node)}
        for node in list(model.graph):
            if not is_onnx(node, "Shape"):
                continue
            x = required_input(node, 0)
            dequantize = x.producer()
            if dequantize is not None and dequantizes(dequantize):
                node.replace_input_with(0, required_input(dequantize, 0))
                remove_orphans([dequantize])
            elif x in quantized and quantized[x].graph is node.graph and not x.is_graph_input():
                node.replace_input_with(0, quantized[x].outputs[0])
            else:
                continue
            rewritten = True
        if rewritten:
            model.graph.sort()


def _quantizes_by_constants(node: ir.Node) -> bool:
    """Whether it quantizes by nothing that may depend on a Shape."""
    parameters = [value for value in node.inputs[1:] if value is not None]
    return quantizes(node) and all(constant_or_none(value) is not None for value in parameters)
