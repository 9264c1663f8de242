"""Transpose -> DynamicQuantizeToIsland => DynamicQuantizeToIsland(perm)"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.island.crossings import ints, is_op, set_ints
from qudnn.converter.passes.base import NodePass


class TransposeAtDynamicEntry(NodePass):
    """The range of a tensor does not depend on the order of its axes: heads enter as they lie.

    A transposition stays where something else reads its result too.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_op(node, "DynamicQuantizeToIsland"):
            return False
        transpose = required_input(node, 0).producer()
        return is_onnx(transpose, "Transpose") and "perm" in transpose.attributes

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        moved = required_input(node, 0)
        transpose = moved.producer()
        assert transpose is not None
        if sole_consumer(moved) is not node:
            raise Refusal("the result of the Transpose before it has other consumers")
        set_ints(node, "perm", after(ints(transpose, "perm"), ints(node, "perm")))
        node.replace_input_with(0, required_input(transpose, 0))
        remove_orphans([transpose])
