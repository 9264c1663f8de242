"""Elementwise operators of one tensor each -> Add, Sub or Mul -> QuantizeLinear => QTableAdd or QTableMul"""

import numpy as np
import onnx
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.result import read_result
from qudnn.converter.frontends.qdq.unary import channels_of, constants_of, reach
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.table import run_chain
from qudnn.converter.lowering.table_binary import Looked, TableFunction, make_table_binary
from qudnn.converter.qdq.linear import dequantizes, read_with


def functions_of_two(node: ir.Node, facts: Facts) -> list[tuple[ir.Value, list[ir.Node]]] | None:
    """The 8-bit tensor that each input is a function of, and the nodes that compute it, in order.

    From DequantizeLinear on, which may be all. None where an input depends on several tensors, or on one in
    floating point, or both on the same: what follows them, too, is a function of one tensor.
    """
    functions = []
    for index in (0, 1):
        producer = required_input(node, index).producer()
        if producer is None or producer.graph is not node.graph:
            return None
        try:
            sources, nodes = reach(producer, facts)
        except Refusal:
            return None
        if len(sources) != 1:
            return None
        functions.append((sources[0], nodes))
    return None if functions[0][0] is functions[1][0] else functions


def table_binary(node: ir.Node, functions: list[tuple[ir.Value, list[ir.Node]]], facts: Facts) -> Candidate:
    """Of an Add, a Sub or a Mul of these functions; of an Add or a Mul, one is not a DequantizeLinear alone.

    onnxruntime then has no integer form of the node, nor of those before it, whose results stay in float32.
    """
    y = read_result(node)
    axis = facts.channel_axis_of(*(x for x, _ in functions))
    a, b = (_looked_up(x, nodes, axis, facts) for x, nodes in functions)
    if is_onnx(node, "Sub"):
        b = b._replace(values=-b.values)  # a - b and a + -b are one number
    between = dict.fromkeys(n for _, nodes in functions for n in reversed(nodes) if not dequantizes(n))
    return make_table_binary(
        TableFunction.MUL if is_onnx(node, "Mul") else TableFunction.ADD,
        (node, *between, *y.covers),
        (a, b),
        y.quantized,
        y.clamp,
        facts,
    )


def _looked_up(x: ir.Value, nodes: list[ir.Node], axis: int, facts: Facts) -> Looked:
    """What onnxruntime's CPU provider makes of all values of x."""
    dtype = next(read_with(n, facts.dtype(x)).dtype for n in nodes if dequantizes(n) and n.inputs[0] is x)
    channels = channels_of(x, nodes, axis, facts)
    values = run_chain(
        [proto for proto in map(ir.to_proto, nodes) if isinstance(proto, onnx.NodeProto)],
        x.name or "",
        dtype,
        nodes[-1].outputs[0].name or "",
        constants_of(x, nodes, channels),
        facts.opsets,
        channels,
        {ir.DataType.FLOAT},
    )
    return Looked(x, dtype, np.ascontiguousarray(values))
