"""exit -> Shape => Shape of the island's tensor, its sizes in the order that they have outside"""

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import EXITS, ints, is_qudnn
from qudnn.converter.island.layout import ALL
from qudnn.converter.passes.base import NodePass


class ShapesAtExits(NodePass):
    """So that a tensor need not leave the island for its shape alone."""

    def matches(self, node: ir.Node) -> bool:
        return is_onnx(node, "Shape") and is_qudnn(required_input(node, 0).producer(), *EXITS)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        left, y = required_input(node, 0), node.outputs[0]
        leave = left.producer()
        assert leave is not None
        if left.is_graph_output() or not all(is_onnx(use.node, "Shape") for use in left.uses()):
            raise Refusal("its input leaves the island for other consumers, too")
        if any(use.node.graph is not graph for use in left.uses()):
            raise Refusal("the body of another node reads its shape, too")
        perm, channels = ints(leave, "perm"), leave.attributes["channels"].as_int()
        start, end = node.attributes.get_int("start", 0), node.attributes.get("end")
        places = perm[start : None if end is None else end.as_int()]
        sizes = self._node("Shape", [required_input(leave, 0)], node)
        if channels != ALL and len(perm) - 1 in places:  # padded inside
            last = self._constant(np.array([channels], np.int64), node)
            sizes = self._node("Concat", [sizes, last], node, axis=0)
            places = [len(perm) if place == len(perm) - 1 else place for place in places]
        order = self._constant(np.array(places, np.int64), node)
        taken = self._node("Gather", [sizes, order], node, axis=0)
        take_place(y, taken)
        remove_orphans([node])

    def _node(self, op_type: str, inputs: list[ir.Value], before: ir.Node, **attributes: int) -> ir.Value:
        name = self.context.names.node(f"{before.name}/{op_type.lower()}")
        made = ir.node(op_type, inputs, attributes, name=name)
        made.outputs[0].name = self.context.names.value(name)
        made.outputs[0].type = ir.TensorType(ir.DataType.INT64)
        assert isinstance(before.graph, ir.Graph)
        before.graph.insert_before(before, made)
        return made.outputs[0]

    def _constant(self, array: NDArray[np.int64], node: ir.Node) -> ir.Value:
        assert node.graph is not None
        return add_initializer(node.graph, self.context.names.value(f"{node.name}/sizes"), array)
