"""QLayerNormalizationToFloat -> Gather => Gather -> QLayerNormalizationToFloat"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import describe_as, remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.passes.base import NodePass


class GatherBeforeNormalization(NodePass):
    """Of a sequence of which one token is read, only that one is normalized: each row is so by itself."""

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "Gather"):
            return False
        norm = required_input(node, 0).producer()
        return is_qudnn(norm, "QLayerNormalizationToFloat")

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        normalized, y = required_input(node, 0), node.outputs[0]
        norm = normalized.producer()
        assert norm is not None
        shape, y_shape = self.context.facts.ranked(normalized), self.context.facts.ranked(y)
        if sole_consumer(normalized, once=True) is not node:
            raise Refusal("others read what is normalized, too")
        axis = node.attributes.get_int("axis", 0) % len(shape)
        if axis == len(shape) - 1:
            raise Refusal("it gathers channels")
        x = required_input(norm, 0)
        names = self.context.names
        gather = ir.node("Gather", [x, required_input(node, 1)], {"axis": axis}, name=node.name)
        describe_as(gather, node)
        gathered = gather.outputs[0]
        gathered.name, gathered.type = names.value(f"{y.name}/island"), ir.TensorType(ir.DataType.INT8)
        width = None if x.shape is None else x.shape[-1]
        gathered.shape = ir.Shape([None] * (len(y_shape) - 1) + [width])
        attributes = {name: attribute.value for name, attribute in norm.attributes.items()}
        moved = ir.node(
            norm.op_type, [gathered, *norm.inputs[1:]], attributes, domain=norm.domain, name=norm.name
        )
        describe_as(moved, norm)
        graph.insert_after(node, [gather, moved])
        take_place(y, moved.outputs[0])
        remove_orphans([node])
