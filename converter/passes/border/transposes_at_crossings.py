"""Transpose -> entry => entry(perm); exit -> Transpose => exit(perm)"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.island.crossings import ENTRIES, EXITS, ints, is_qudnn, set_ints
from qudnn.converter.passes.base import NodePass

_ENTRIES = (*ENTRIES, "DynamicQuantizeToIsland", "StepsToIsland")


class TransposesAtCrossings(NodePass):
    """A crossing transposes in any case. The range of a tensor does not depend on the order of its axes.

    A transposition stays where something else reads its result, or the tensor that it reads, too.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "Transpose") or "perm" not in node.attributes:
            return False
        return _is_exit(node) or any(is_qudnn(use.node, *_ENTRIES) for use in node.outputs[0].uses())

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        y, perm = node.outputs[0], ints(node, "perm")
        entry = sole_consumer(y, once=True, inside=True)
        if entry is not None and is_qudnn(entry, *_ENTRIES):
            set_ints(entry, "perm", after(perm, ints(entry, "perm")))
            entry.replace_input_with(0, required_input(node, 0))
            remove_orphans([node])
        elif _is_exit(node):
            _into_exit(node, perm)
        else:
            raise Refusal("its result has other consumers than one entry")


def _is_exit(transpose: ir.Node) -> bool:
    return is_qudnn(required_input(transpose, 0).producer(), *EXITS)


def _into_exit(transpose: ir.Node, perm: list[int]) -> None:
    x = required_input(transpose, 0)
    exit_ = x.producer()
    assert exit_ is not None
    if sole_consumer(x, once=True) is not transpose:
        raise Refusal("the result of the exit before it has other consumers")
    set_ints(exit_, "perm", after(ints(exit_, "perm"), perm))
    take_place(transpose.outputs[0], x)
    remove_orphans([transpose])
