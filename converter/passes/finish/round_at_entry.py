"""Cast (to float16) -> Cast (to float32) -> QuantizeToIsland => QuantizeHalfToIsland"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import consumed_only_by, replace_node
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.passes.base import NodePass


class RoundAtEntry(NodePass):
    """As models in float16 begin that take float32: neither of the Casts is a pass of its own then.

    A tensor that others read in float16 is written anyway. Last of the passes for entries, so that the others
    need not know of rounding.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_qudnn(node, "QuantizeToIsland"):
            return False
        widening = required_input(node, 0).producer()
        return is_onnx(widening, "Cast") and is_onnx(required_input(widening, 0).producer(), "Cast")

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        widening = required_input(node, 0).producer()
        assert widening is not None
        rounding = required_input(widening, 0).producer()
        assert rounding is not None
        x = required_input(rounding, 0)
        types = self.context.facts.dtype(x), self.context.facts.dtype(rounding.outputs[0])
        if types != (ir.DataType.FLOAT, ir.DataType.FLOAT16):
            raise Refusal("the Casts before it do not round float32 to float16")
        if not consumed_only_by(rounding, widening) or not consumed_only_by(widening, node):
            raise Refusal("others read the rounded tensor, too")
        attributes = {name: attribute.value for name, attribute in node.attributes.items()}
        fused = ir.node("QuantizeHalfToIsland", [x], attributes=attributes, domain=DOMAIN, name=node.name)
        replace_node(node, fused, described=node)
