"""com.microsoft FusedConv of a dequantized tensor => Conv -> (Add) -> activation"""

from typing import Any

import onnx
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import node_input, required_input
from qudnn.converter.graph.edit import take_place
from qudnn.converter.graph.op_traits import ONNX, Trait, is_contrib, operator_has
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.passes.prepare.writer import Writer
from qudnn.converter.qdq.linear import dequantizes

_CLIP = "Clip"


def _parameters(activation: str) -> tuple[str, ...] | None:
    """Names of an activation's parameters, in their order; None if none is fused.

    Source: onnxruntime 1.30, fused_activation.cc, GetFusedActivationAttr.
    """
    if not operator_has(activation, Trait.FUSED):
        return None
    return (
        ("min", "max") if activation == _CLIP else tuple(sorted(onnx.defs.get_schema(activation).attributes))
    )


class UnfuseConv(EarlyNodePass):
    """onnxruntime's optimizer fuses what it could not make integer; in a file that it saved, it stays so.

    A Conv that it reads with its activation apart gives the same bits: it fuses them again
    (conv_activation_fusion.cc, conv_add_act_fusion.cc, 1.30).
    """

    def matches(self, node: ir.Node) -> bool:
        return is_contrib(node, "FusedConv") and dequantizes(required_input(node, 0).producer())

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        activation = node.attributes.get_string("activation", "")
        parameters = list(node.attributes.get_floats("activation_params", []))
        names = _parameters(activation)
        if names is None or len(parameters) != len(names):
            raise Refusal(f"its activation is {activation or 'missing'}, with {len(parameters)} parameters")
        residual = node_input(node, 3)
        write = Writer(self.context.names, node.name, graph)
        y = node.outputs[0]
        value = y if residual is None else write("Add", y, residual)
        attributes: dict[str, Any] = dict(zip(names, parameters, strict=True))
        if activation == _CLIP:
            last = write(activation, value, *(write.number(*bound) for bound in attributes.items()))
        else:
            last = write(activation, value, **attributes)
        for made in write.nodes:
            made.outputs[0].type, made.outputs[0].shape = y.type, y.shape
        take_place(y, last)
        write.nodes[0].replace_input_with(0, y)
        y.name = self.context.names.value(f"{last.name}/conv")
        for name in "activation", "activation_params":
            node.attributes.pop(name, None)
        node.domain, node.op_type = ONNX, "Conv"
        if residual is not None:
            node.resize_inputs(3 if node_input(node, 2) is not None else 2)
        graph.insert_after(node, write.nodes)
