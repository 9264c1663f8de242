"""Transpose -> QBatchMatMul => QBatchMatMul(a_perm or b_perm); QBatchMatMul -> Transpose => its y_perm"""

import onnx_ir as ir

from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.graph.permutations import after, before
from qudnn.converter.island.batch_matmuls import BATCH_MATMULS, operand_of
from qudnn.converter.island.crossings import ints, is_op, set_ints
from qudnn.converter.passes.base import Pass


class AbsorbTransposes(Pass):
    """The heads of an attention are read and written in place, by strides, and never moved.

    A transposition stays where something else reads its result too.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for node in list(model.graph):
            if _is_transpose(node):
                modified |= _into_consumers(node) or _into_producer(node)
        return ir.passes.PassResult(model, modified)


def _is_transpose(node: ir.Node) -> bool:
    return node.op_type == "Transpose" and not node.domain and "perm" in node.attributes


def _into_consumers(transpose: ir.Node) -> bool:
    x, y = transpose.inputs[0], transpose.outputs[0]
    perm = ints(transpose, "perm")
    uses = list(y.uses())
    if y.is_graph_output() or not uses or not all(_can_read(use.node, use.idx, perm) for use in uses):
        return False
    for node, index in uses:
        operand = operand_of(node, index)
        set_ints(node, f"{operand}_perm", after(perm, ints(node, f"{operand}_perm")))
        for bound in (f"{operand}_starts", f"{operand}_ends"):
            set_ints(node, bound, before(perm, ints(node, bound)))
        node.replace_input_with(index, x)
    remove_orphans([transpose])
    return True


def _can_read(node: ir.Node, index: int, perm: list[int]) -> bool:
    """Whether it is a matmul that can transpose this input so: b may have its last axis one before."""
    operand = operand_of(node, index)
    if operand is None:
        return False
    last = len(perm) - 1
    return after(perm, ints(node, f"{operand}_perm")).index(last) >= last - index


def _into_producer(transpose: ir.Node) -> bool:
    x = transpose.inputs[0]
    matmul = None if x is None else x.producer()
    perm = ints(transpose, "perm")
    if x is None or matmul is None or not is_op(matmul, *BATCH_MATMULS):
        return False
    if perm[-1] != len(perm) - 1 or x.is_graph_output() or len(x.uses()) > 1:
        return False
    set_ints(matmul, "y_perm", after(ints(matmul, "y_perm"), perm))
    take_place(transpose.outputs[0], x)
    remove_orphans([transpose])
    return True
