"""QTable o QTable -> QTable; so too QAdd and QMul with a constant, or of tables of one tensor"""

from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from converter.constants import constant_or_none, required_input
from converter.crossings import is_op
from converter.evaluate import evaluated
from converter.functions import DOMAIN
from converter.graph_edit import add_initializer, remove_orphans, take_place
from converter.packing import Int8Array
from converter.passes.base import Pass

_VALUES = np.arange(-128, 128).astype(np.int8)


class _Function(NamedTuple):
    """Of one tensor x: table `[256]`, or `[Cp, 256]` of one for each channel. nodes: how many compute it."""

    x: ir.Value
    table: Int8Array
    nodes: int


class FuseTables(Pass):
    """One pass over memory in the place of several, with the same bits: they are computed for all inputs.

    A bias behind a product and the function behind that become one table for each channel. A sum or
    product with a constant for each channel stays where it stands alone, being as fast as a table.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        """From behind, so that each node takes all before it with it."""
        modified = False
        for node in reversed(list(model.graph)):
            if node.graph is model.graph:  # not fused yet
                modified |= self._fuse(node, model.graph)
        return ir.passes.PassResult(model, modified)

    def _fuse(self, node: ir.Node, graph: ir.Graph) -> bool:
        found = _function(node)
        if found is None or (found.nodes == 1 and (found.table.ndim > 1 or is_op(node, "QTable"))):
            return False
        table = add_initializer(graph, self.context.new_value_name(f"{node.name}/table"), found.table)
        fused = ir.node("QTable", [found.x, table], domain=DOMAIN, name=node.name)
        fused.doc_string = node.doc_string
        fused.metadata_props.update(node.metadata_props)
        graph.insert_after(node, fused)
        take_place(node.outputs[0], fused.outputs[0])
        remove_orphans([node])
        return True


def _function(node: ir.Node) -> _Function | None:
    """The node and those before it, as far as they compute a function of one tensor for it alone."""
    if is_op(node, "QTable"):
        table = constant_or_none(required_input(node, 1))
        if table is None:
            return None
        inner = _seen_by(node, required_input(node, 0))
        return inner._replace(table=_composed(table, inner.table), nodes=inner.nodes + 1)
    if not is_op(node, "QAdd", "QMul"):
        return None
    values = [required_input(node, 0), required_input(node, 1)]
    constants = [constant_or_none(value) for value in values]
    functions = [
        _seen_by(node, value) for value, array in zip(values, constants, strict=True) if array is None
    ]
    x = functions[0].x
    if any(function.x is not x for function in functions):
        return None
    of_channels = [None if array is None else _of_channels(array, x) for array in constants]
    tables = iter(functions)
    operands: list[Int8Array] = []
    for array, columns in zip(constants, of_channels, strict=True):
        if array is not None and columns is None:
            return None
        operands.append(next(tables).table if columns is None else columns)
    # Of one shape: what onnxruntime makes of a scalar depends on its place.
    shape = np.broadcast_shapes(*(operand.shape for operand in operands), (256,))
    result = evaluated(node, *(np.ascontiguousarray(np.broadcast_to(o, shape)) for o in operands))
    return _Function(x, result, 1 + sum(function.nodes for function in functions))


def _seen_by(reader: ir.Node, value: ir.Value) -> _Function:
    """What the reader reads, which goes as far back as nobody else reads it."""
    node = value.producer()
    if node is not None and len(value.uses()) == 1 and not value.is_graph_output():
        found = _function(node)
        if found is not None:
            return found
    return _Function(value, _VALUES, 0)


def _of_channels(array: Int8Array, x: ir.Value) -> Int8Array | None:
    """A constant as a column, `[1]` or `[Cp, 1]`; None where it is another for another pixel, or x grows."""
    if array.size == 1 and (x.shape is None or array.ndim <= len(x.shape)):
        return array.reshape(1)
    width = None if x.shape is None else x.shape[-1]
    if x.shape is None or array.ndim > len(x.shape) or array.shape[-1] != width or array.size != width:
        return None
    return array.reshape(-1, 1)


def _composed(outer: Int8Array, inner: Int8Array) -> Int8Array:
    """x -> outer(inner(x))"""
    indices = inner.astype(np.int64) + 128
    if outer.ndim == 1:
        return outer[indices]
    return np.take_along_axis(outer, np.broadcast_to(indices, outer.shape), axis=1)
