"""Attributes that repeat another one or are invalid => none, or what onnxruntime reads them as"""

import onnx_ir as ir

from qudnn.converter.graph.constants import node_input
from qudnn.converter.graph.op_traits import DOMAINS, is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import quantizes
from qudnn.converter.qdq.moves import needed

# Flags that onnxruntime's kernels, unlike shape inference, take for set where they are 1, not where they are
# not 0 (ReshapeHelper, PoolAttributes, ReduceKernelBase; 1.31).
_FLAGS = ("allowzero", "ceil_mode", "keepdims")


class SettleAttributes(EarlyPass):
    """Afterwards flags are 0 or 1, and only attributes that matter are left.

    QuantizeLinear's output_dtype does not beside a zero point, which has the type: passes change that one
    alone. onnxruntime does so itself, and refuses the model then (QDQS8ToU8Transformer, 1.31). MaxPool's
    storage_order does not without indices: for 8 bits onnxruntime checks it, in float32 it does not.
    """

    def run(self, model: ir.Model) -> None:
        for node in model.graph:
            if node.domain not in DOMAINS:
                continue
            for name in _FLAGS:
                value = node.attributes.get(name)
                if value is not None and value.type == ir.AttributeType.INT and value.as_int() not in (0, 1):
                    node.attributes[name] = ir.AttrInt64(name, 0)
            if quantizes(node) and node_input(node, 2) is not None:
                node.attributes.pop("output_dtype", None)
            if is_onnx(node, "MaxPool") and needed(node) in ([], [node.outputs[0]]):
                node.attributes.pop("storage_order", None)
