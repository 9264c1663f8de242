"""Identity beside QuantizeLinear or DequantizeLinear, Cast to the type that it has, Pad by 0 => nothing"""

import onnx_ir as ir

from qudnn.converter.analysis.inference import infer
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import remove_orphans
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, quantizes


class DropIdentities(EarlyNodePass):
    """Exporters share equal weights through Identity; dropouts are left over from training.

    In their places they keep patterns from being seen. onnxruntime drops them before it looks for any
    (onnxruntime 1.30, identity_elimination.cc, EliminateIdentity).

    A Pad by nothing that onnxruntime does not know to be one (FoldSizes does) goes where it can make no
    integer operator of what is before it.
    """

    def run(self, model: ir.Model) -> None:
        self._casts = _to_the_same_type(model)
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        return node in self._casts or (_has_no_effect(node) and _is_in_the_way(node)) or _pads_nothing(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        if node.outputs[0].is_graph_output():
            raise Refusal("its result is an output of the graph")
        if is_onnx(node, "Dropout") and node_input(node, 2) is not None:
            raise Refusal("its training_mode is given, so it may drop values")
        if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
            raise Refusal("its mask is used")
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


def _has_no_effect(node: ir.Node) -> bool:
    """Whether the node hands on its input, and not to an output of the graph alone."""
    y = node.outputs[0]
    return has_trait(node, Trait.NO_EFFECT) and bool(y.uses() or not y.is_graph_output())


def _pads_nothing(node: ir.Node) -> bool:
    """Of a float operator's result; in 8 bits it is a view of an island's tensor."""
    pads = node_input(node, 1) if is_onnx(node, "Pad") else None
    amounts = None if pads is None else constant_or_none(pads)
    source = required_input(node, 0).producer() if amounts is not None and not amounts.any() else None
    if source is None or _converts(source) or node.outputs[0].is_graph_output():
        return False
    return not has_trait(source, Trait.INTEGER_FORM | Trait.CLIPS)


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
