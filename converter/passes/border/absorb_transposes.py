"""Transpose -> QBatchMatMul => QBatchMatMul(a_perm or b_perm); QBatchMatMul -> Transpose => its y_perm"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after, before
from qudnn.converter.island.batch_matmuls import BATCH_MATMULS, operand_of
from qudnn.converter.island.crossings import ints, is_qudnn, set_ints
from qudnn.converter.passes.base import NodePass


class AbsorbTransposes(NodePass):
    """The heads of an attention are read and written in place, by strides, and never moved.

    A transposition stays where something else reads its result too.
    """

    def matches(self, node: ir.Node) -> bool:
        """Whether it is a Transpose beside a matmul."""
        if not is_onnx(node, "Transpose") or "perm" not in node.attributes:
            return False
        consumers = [use.node for use in node.outputs[0].uses()]
        return any(
            is_qudnn(beside, *BATCH_MATMULS) for beside in (required_input(node, 0).producer(), *consumers)
        )

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        perm = ints(node, "perm")
        y = node.outputs[0]
        uses = list(y.uses())
        if uses and not y.is_graph_output() and all(_can_read(use.node, use.idx, perm) for use in uses):
            _into_consumers(node)
        else:
            _into_producer(node)


def _into_consumers(transpose: ir.Node) -> None:
    x, perm = transpose.inputs[0], ints(transpose, "perm")
    for node, index in list(transpose.outputs[0].uses()):
        operand = operand_of(node, index)
        set_ints(node, f"{operand}_perm", after(perm, ints(node, f"{operand}_perm")))
        for bound in (f"{operand}_starts", f"{operand}_ends"):
            set_ints(node, bound, before(perm, ints(node, bound)))
        node.replace_input_with(index, x)
    remove_orphans([transpose])


def _can_read(node: ir.Node, index: int, perm: list[int]) -> bool:
    """Whether it is a matmul that can transpose this input so: b may have its last axis one before."""
    operand = operand_of(node, index)
    if operand is None:
        return False
    last = len(perm) - 1
    return after(perm, ints(node, f"{operand}_perm")).index(last) >= last - index


def _into_producer(transpose: ir.Node) -> None:
    x = required_input(transpose, 0)
    matmul = x.producer()
    perm = ints(transpose, "perm")
    if matmul is None or not is_qudnn(matmul, *BATCH_MATMULS):
        raise Refusal("not all of its consumers are matmuls that read it transposed so")
    if perm[-1] != len(perm) - 1:
        raise Refusal("it moves the last axis, along which the matmul writes")
    if x.is_graph_output() or len(x.uses()) > 1:
        raise Refusal("the matmul before it has other consumers")
    set_ints(matmul, "y_perm", after(ints(matmul, "y_perm"), perm))
    take_place(transpose.outputs[0], x)
    remove_orphans([transpose])
