"""Identity beside QuantizeLinear or DequantizeLinear, or of a constant; Cast to the same type => nothing"""

import onnx_ir as ir

from qudnn.converter.analysis.inference import infer
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import dequantizes, quantizes


class DropIdentities(EarlyPass):
    """Exporters share equal weights through Identity; dropouts are left over from training.

    In their places they keep patterns from being seen. onnxruntime drops them before it looks for any
    (onnxruntime 1.30, identity_elimination.cc, EliminateIdentity).
    """

    def run(self, model: ir.Model) -> None:
        casts = _to_the_same_type(model)
        for node in list(model.graph):
            if node in casts or (_does_nothing(node) and _is_in_the_way(node)):
                node.outputs[0].replace_all_uses_with(required_input(node, 0))
                remove_orphans([node])


def _to_the_same_type(model: ir.Model) -> set[ir.Node]:
    casts = [node for node in model.graph if is_onnx(node, "Cast") and not node.outputs[0].is_graph_output()]
    if not casts:
        return set()
    known = {
        value.name: value.dtype
        for node in infer(model)
        for value in (*node.inputs, *node.outputs)
        if value is not None
    }
    return {
        cast for cast in casts if known.get(required_input(cast, 0).name) == cast.attributes["to"].as_int()
    }


def _does_nothing(node: ir.Node) -> bool:
    if not has_trait(node, Trait.NO_EFFECT) or node.outputs[0].is_graph_output():
        return False
    if is_onnx(node, "Dropout"):
        mask = any(output.uses() or output.is_graph_output() for output in node.outputs[1:])
        return not mask and node_input(node, 2) is None
    return True


def _is_in_the_way(node: ir.Node) -> bool:
    x = required_input(node, 0)
    producer = x.producer()
    return (
        constant_or_none(x) is not None
        or _converts(producer)
        or any(_converts(use.node) for use in node.outputs[0].uses())
    )


def _converts(node: ir.Node | None) -> bool:
    return quantizes(node) or dequantizes(node)
