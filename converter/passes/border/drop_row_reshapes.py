"""Reshape -> DynamicQuantizeToIsland -> DynamicQMatMul -> Reshape => the two in the middle

Where the Reshapes make one long matrix of rows, and the tensor's dimensions again.
"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.crossings import ints, is_qudnn, set_ints
from qudnn.converter.passes.base import NodePass


class DropRowReshapes(NodePass):
    """onnxruntime makes a Gemm, between such Reshapes, of each MatMul with a bias if all sizes are known.

    (onnxruntime 1.30, matmul_add_fusion.cc, MatMulAddFusion.)
    Without them the operators before and after are adjacent. A Reshape to other dimensions stays.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "DynamicQuantizeToIsland") and is_onnx(
            required_input(node, 0).producer(), "Reshape"
        )

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        _drop(node, self.context.facts)


def _drop(entry: ir.Node, facts: Facts) -> None:
    rows, quantized = required_input(entry, 0), entry.outputs[0]
    flatten = rows.producer()
    assert flatten is not None
    if not _keeps_rows(entry):
        raise Refusal("it does not quantize rows as they lie")
    x = required_input(flatten, 0)
    shape, flat = facts.shape(x), facts.shape(rows)
    if shape is None or flat is None or len(shape) < 2 or shape[-1] != flat[-1]:
        raise Refusal("the Reshape before it is not known to keep the last axis")
    matmuls = [use.node for use in quantized.uses()]
    shapes = [(*shape[:-1], *(facts.shape(matmul.outputs[0]) or ())[-1:]) for matmul in matmuls]
    consumers = [sole_consumer(matmul.outputs[0], inside=True) for matmul in matmuls]
    if not all(is_qudnn(matmul, "DynamicQMatMul") for matmul in matmuls):
        raise Refusal("not all of its consumers are matmuls")
    for consumer, y_shape in zip(consumers, shapes, strict=True):
        if not is_onnx(consumer, "Reshape") or not (
            _makes(consumer, y_shape, facts) or _has_target(consumer)
        ):
            raise Refusal("a result of its matmuls is not reshaped, or by what depends on its dimensions")
    entry.replace_input_with(0, x)
    set_ints(entry, "pads", [0] * (2 * len(shape) - 1) + ints(entry, "pads")[-1:])
    set_ints(entry, "perm", list(range(len(shape))))
    for value in quantized, *(matmul.outputs[0] for matmul in matmuls):
        value.shape = None if value.shape is None else _of_rank(len(shape), value.shape)
    for matmul, consumer, y_shape in zip(matmuls, consumers, shapes, strict=True):
        y = matmul.outputs[0]
        facts.note_shape(y, ir.DataType.FLOAT, y_shape)
        if consumer is not None and _makes(consumer, y_shape, facts):
            take_place(consumer.outputs[0], y)
            remove_orphans([consumer])
    remove_orphans([flatten])


def _keeps_rows(entry: ir.Node) -> bool:
    """Whether it quantizes rows as they lie, and pads them alone."""
    perm, pads = ints(entry, "perm"), ints(entry, "pads")
    return perm == list(range(len(perm))) and not any(pads[:-1])


def _makes(reshape: ir.Node, shape: Shape, facts: Facts) -> bool:
    return facts.shape(reshape.outputs[0]) == shape


def _has_target(reshape: ir.Node) -> bool:
    """Whether its result does not depend on the dimensions that its input has."""
    target = constant_or_none(required_input(reshape, 1))
    return target is not None and bool(target.all())


def _of_rank(rank: int, shape: ir.Shape) -> ir.Shape:
    return ir.Shape([None] * (rank - 1) + [shape[-1]])
