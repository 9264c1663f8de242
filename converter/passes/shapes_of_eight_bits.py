"""Shape o DequantizeLinear -> Shape; Shape of what is quantized as well -> Shape o QuantizeLinear"""

import onnx_ir as ir

from converter.constants import constant_or_none, required_input
from converter.graph_edit import remove_orphans
from converter.linear import dequantizes, quantizes
from converter.passes.base import Pass


class ShapesOfEightBits(Pass):
    """So that a size that is asked for is no reason for a tensor to be there in floating point."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for node in list(model.graph):
            if node.op_type != "Shape" or node.domain:
                continue
            x = required_input(node, 0)
            dequantize = x.producer()
            behind = [use.node for use in x.uses() if _quantizes_by_constants(use.node, node)]
            if dequantize is not None and dequantizes(dequantize):
                node.replace_input_with(0, required_input(dequantize, 0))
                remove_orphans([dequantize])
            elif behind and not x.is_graph_input():
                node.replace_input_with(0, behind[0].outputs[0])
            else:
                continue
            modified = True
        if modified:
            model.graph.sort()
        return ir.passes.PassResult(model, modified)


def _quantizes_by_constants(quantize: ir.Node, shape: ir.Node) -> bool:
    """Whether it quantizes beside the Shape, by nothing that may depend on the Shape."""
    if not quantizes(quantize) or quantize.graph is not shape.graph:
        return False
    parameters = [value for value in quantize.inputs[1:] if value is not None]
    return all(constant_or_none(value) is not None for value in parameters)
