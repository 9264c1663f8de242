"""Attributes that say twice what they say, or what they cannot mean -> none"""

import onnx_ir as ir

from converter.constants import node_input
from converter.linear import quantizes
from converter.passes.base import Pass
from converter.reshaping import keeps_zeros


class SettleAttributes(Pass):
    """QuantizeLinear's output_dtype beside a zero point, whose type is the same: passes change only that one.

    onnxruntime does not, and refuses the model then (QDQS8ToU8Transformer, 1.31).

    Reshape's allowzero other than 0 and 1: shape inference takes it for 1, onnxruntime's kernel for 0.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for node in model.graph:
            if quantizes(node) and node_input(node, 2) is not None:
                modified |= node.attributes.pop("output_dtype", None) is not None
            if node.op_type == "Reshape" and not node.domain and not keeps_zeros(node):
                modified |= node.attributes.pop("allowzero", None) is not None
        return ir.passes.PassResult(model, modified)
