"""Reshape o DynamicQMatMul o DynamicQuantizeToIsland o Reshape -> DynamicQMatMul o DynamicQuantizeToIsland

Where the Reshapes make one long matrix of rows, and the tensor's dimensions again.
"""

from typing import TypeGuard

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import only_reader, remove_orphans, take_place
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.crossings import ints, is_op, set_ints
from qudnn.converter.passes.base import Pass


class DropRowReshapes(Pass):
    """onnxruntime makes a Gemm, between such Reshapes, of each MatMul with a bias if all sizes are known.

    Without them the operators before and after are adjacent. A Reshape to other dimensions stays.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        facts, modified = self.context.facts, False
        for entry in list(model.graph):
            if facts is not None and is_op(entry, "DynamicQuantizeToIsland"):
                modified |= _drop(entry, facts)
        return ir.passes.PassResult(model, modified)


def _drop(entry: ir.Node, facts: Facts) -> bool:
    rows, quantized = required_input(entry, 0), entry.outputs[0]
    flatten = rows.producer()
    if not _is_reshape(flatten) or not _keeps_rows(entry):
        return False
    x = required_input(flatten, 0)
    shape, flat = facts.shape(x), facts.shape(rows)
    if shape is None or flat is None or len(shape) < 2 or shape[-1] != flat[-1]:
        return False
    products = [use.node for use in quantized.uses()]
    shapes = [(*shape[:-1], *(facts.shape(product.outputs[0]) or ())[-1:]) for product in products]
    readers = [only_reader(product.outputs[0], inside=True) for product in products]
    if not all(is_op(product, "DynamicQMatMul") for product in products):
        return False
    for reader, y_shape in zip(readers, shapes, strict=True):
        if not _is_reshape(reader) or not (_makes(reader, y_shape, facts) or _has_target(reader)):
            return False
    entry.replace_input_with(0, x)
    set_ints(entry, "pads", [0] * (2 * len(shape) - 1) + ints(entry, "pads")[-1:])
    set_ints(entry, "perm", list(range(len(shape))))
    for value in quantized, *(product.outputs[0] for product in products):
        value.shape = None if value.shape is None else _of_rank(len(shape), value.shape)
    for product, reader, y_shape in zip(products, readers, shapes, strict=True):
        y = product.outputs[0]
        facts.note_shape(y, ir.DataType.FLOAT, y_shape)
        if reader is not None and _makes(reader, y_shape, facts):
            take_place(reader.outputs[0], y)
            remove_orphans([reader])
    remove_orphans([flatten])
    return True


def _is_reshape(node: ir.Node | None) -> TypeGuard[ir.Node]:
    return node is not None and not node.domain and node.op_type == "Reshape"


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
