"""LayerNormalization -> (Pad ->) several moves, each -> QuantizeLinear => a LayerNormalization for each"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import is_of_a_quantized_tensor, quantizes
from qudnn.converter.qdq.moves import moves

_MOST = 4  # operators of one


class NormalizeForEach(EarlyNodePass):
    """Parts of a tensor that are quantized each by itself, as those that a window is rolled of.

    It costs less to normalize twice in an island than once outside of it. Each has the bits of the one. What
    is normalized again, in float32, counts as a part, too.
    """

    def run(self, model: ir.Model) -> None:
        for node in list(model.graph):
            if is_onnx(node, "Pad") and moves(node) and len(node.outputs[0].uses()) > 1:
                source = required_input(node, 0).producer()
                if is_onnx(source, "LayerNormalization") and is_of_a_quantized_tensor(source):
                    try:
                        self.rewrite(node, model.graph)
                    except Refusal as refusal:
                        self.decline(node, refusal)
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "LayerNormalization") or node.outputs[0].is_graph_output():
            return False
        return len(node.outputs[0].uses()) > 1 and is_of_a_quantized_tensor(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        y = node.outputs[0]
        uses = list(y.uses())
        if len(uses) > _MOST:
            raise Refusal(f"more than {_MOST} operators consume its result")
        if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
            raise Refusal("its other results are used")
        others = [use for use in uses if not is_onnx(use.node, "LayerNormalization")]
        if any(use.node.graph is not graph or not _is_quantized(use.node) for use in others) or not others:
            raise Refusal("what consumes its result does not only move and quantize it")
        if all(quantizes(use.node) for use in uses):
            raise Refusal("it is quantized as a whole")
        for use in uses[1:]:
            clone = ir.Node(
                node.domain,
                node.op_type,
                node.inputs,
                node.attributes.values(),
                name=self.context.names.node(node.name or node.op_type),
            )
            again = clone.outputs[0]
            again.name, again.type, again.shape = self.context.names.value(y.name or ""), y.type, y.shape
            graph.insert_after(node, clone)
            use.node.replace_input_with(use.idx, again)


def _is_quantized(node: ir.Node | None) -> bool:
    """Whether it is a QuantizeLinear, or moves what one quantizes."""
    while node is not None and not quantizes(node):
        if not moves(node) or len(node.outputs) > 1 or node.outputs[0].is_graph_output():
            return False
        node = sole_consumer(node.outputs[0], once=True, inside=True)
    return node is not None
