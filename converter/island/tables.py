"""Ops that compute a function of one tensor, as a table: QTable, and QAdd and QMul with a constant."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import evaluated
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.packing import Int8Array

VALUES = np.arange(-128, 128).astype(np.int8)


class TableFunction(NamedTuple):
    """Of one tensor x: table `[256]`, or `[Cp, 256]` of one for each channel. nodes: how many compute it."""

    x: ir.Value
    table: Int8Array
    nodes: int


def functions_of(graph: ir.Graph) -> dict[ir.Node, TableFunction]:
    """The nodes and those before them, as far as they compute a function of one tensor for them alone.

    Without those that are part of another one's function. From the first node on: chains are long.
    """
    found: dict[ir.Node, TableFunction] = {}
    for node in graph:
        producers = [(value, value.producer()) for value in node.inputs if value is not None]
        parts = {
            value: producer
            for value, producer in producers
            if producer in found and len(value.uses()) == 1 and not value.is_graph_output()
        }
        function = function_of(node, {value: found[part] for value, part in parts.items() if part})
        if function is not None:
            found[node] = function
            for part in filter(None, parts.values()):
                del found[part]
    return found


def function_of(
    node: ir.Node, before: Mapping[ir.Value, TableFunction] = MappingProxyType({})
) -> TableFunction | None:
    """The function that the node computes of one tensor. before: those that compute what it reads."""
    if is_qudnn(node, "QTable"):
        table = constant_or_none(required_input(node, 1))
        if table is None:
            return None
        x = required_input(node, 0)
        inner = before.get(x) or TableFunction(x, VALUES, 0)
        return inner._replace(table=composed(table, inner.table), nodes=inner.nodes + 1)
    if not is_qudnn(node, "QAdd", "QMul", "QFloatAdd", "QFloatMul"):
        return None
    values = [required_input(node, 0), required_input(node, 1)]
    constants = [constant_or_none(value) for value in values]
    functions = [
        before.get(value) or TableFunction(value, VALUES, 0)
        for value, array in zip(values, constants, strict=True)
        if array is None
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
    try:
        result = evaluated(node, *(np.ascontiguousarray(np.broadcast_to(o, shape)) for o in operands))
    except Refusal:
        return None
    return TableFunction(x, result, 1 + sum(function.nodes for function in functions))


def _of_channels(array: Int8Array, x: ir.Value) -> Int8Array | None:
    """A constant as a column, `[1]` or `[Cp, 1]`; None where it is another for another pixel, or x grows."""
    if array.size == 1 and (x.shape is None or array.ndim <= len(x.shape)):
        return array.reshape(1)
    width = None if x.shape is None else x.shape[-1]
    if x.shape is None or array.ndim > len(x.shape) or array.shape[-1] != width or array.size != width:
        return None
    return array.reshape(-1, 1)


def composed(outer: Int8Array, inner: Int8Array) -> Int8Array:
    """x -> outer(inner(x))"""
    indices = inner.astype(np.int64) + 128
    if outer.ndim == 1:
        return outer[indices]
    return np.take_along_axis(outer, np.broadcast_to(indices, outer.shape), axis=1)
