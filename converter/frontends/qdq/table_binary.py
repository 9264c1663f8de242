"""Elementwise operators of one tensor each -> a binary one -> QuantizeLinear => a QTable of two

The binary ones are Add, Sub, Sum, Mul, Div, Max and Min.
"""

from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.channels import is_divided, read_channel_result
from qudnn.converter.frontends.qdq.result import Result, read_result
from qudnn.converter.frontends.qdq.unary import channels_of, constants_of, reach
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.sizes import broadcast
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.lowering.elementwise.extreme_of_two import make_extreme_of_two
from qudnn.converter.lowering.elementwise.table import run_chain
from qudnn.converter.lowering.elementwise.table_binary import Looked, TableFunction, make_table_binary
from qudnn.converter.qdq.linear import dequantizes, read_with

_FUNCTIONS = {
    "Add": TableFunction.ADD,
    "Div": TableFunction.DIV,
    "Mul": TableFunction.MUL,
    "Sub": TableFunction.ADD,
    "Sum": TableFunction.ADD,
}

_ALL = (-128, 127)
_KINDS = (np.isinf, np.logical_not)  # of numbers, two of which have no quotient


class TwoFunctions(NamedTuple):
    """node: the binary one. factor: a power of two that its result is multiplied with after it.

    functions: of each of its inputs the 8-bit tensor that it is a function of, and the nodes that compute it,
    in order, from DequantizeLinear on, which may be all.
    """

    node: ir.Node
    factor: np.float32
    functions: list[tuple[ir.Value, list[ir.Node]]]


def two_functions(node: ir.Node, facts: Facts) -> TwoFunctions | None:
    """What the node combines, or an Add, a Sub or a Mul before this, a Mul with a power of two.

    None where an input depends on several tensors, or on one in floating point, or both on the same: what
    follows them, too, is a function of one tensor.
    """
    combining, factor = _before_factor(node) or (node, np.float32(1))
    functions = []
    if len(combining.inputs) != 2:
        return None
    for index in (0, 1):
        producer = required_input(combining, index).producer()
        if producer is None or producer.graph is not node.graph:
            return None
        try:
            sources, nodes = reach(producer, facts)
        except Refusal:
            return None
        if len(sources) != 1:
            return None
        functions.append((sources[0], nodes))
    if functions[0][0] is functions[1][0]:
        return None
    return TwoFunctions(combining, factor, functions)


def _before_factor(node: ir.Node) -> tuple[ir.Node, np.float32] | None:
    """The node whose result this Mul multiplies with a power of two, and that: as in Gelu."""
    for index in (0, 1) if is_onnx(node, "Mul") else ():
        array = constant_or_none(required_input(node, index))
        producer = required_input(node, 1 - index).producer()
        if array is None or array.size != 1 or array.ndim > 1 or not is_onnx(producer, "Add", "Sub", "Mul"):
            continue
        factor = np.float32(array.reshape(-1)[0])
        if factor > 0 and np.frexp(factor)[0] == 0.5 and producer.graph is node.graph:
            return producer, factor
    return None


def table_binary(node: ir.Node, found: TwoFunctions, facts: Facts) -> Candidate:
    """What the node computes of two functions, that may be a DequantizeLinear alone.

    Not both, but with a factor or where channels of the result have scales of their own: onnxruntime then has
    no integer form of the node, nor of those before it, whose results stay in float32
    (BinaryNodeGroupSelector, qdq_selectors.cc, 1.30). Others than Add and Mul have one nowhere.
    """
    axis = facts.channel_axis_of(*(x for x, _ in found.functions))
    y, divisors = _result(node, found, axis, facts)
    a, b = (looked_up(x, nodes, axis, facts) for x, nodes in found.functions)
    nodes = dict.fromkeys(n for _, nodes in found.functions for n in reversed(nodes) if not dequantizes(n))
    covers = tuple(dict.fromkeys([node, found.node, *nodes, *y.covers]))
    if is_onnx(found.node, "Max", "Min"):
        if divisors is not None:
            raise Refusal("its result is quantized per channel")
        return make_extreme_of_two(is_onnx(found.node, "Max"), covers, (a, b), y.quantized, y.clamp, facts)
    function = _FUNCTIONS[found.node.op_type]
    if is_onnx(found.node, "Sub"):
        b = b._replace(values=-b.values)  # a - b and a + -b are one number
    if found.factor != 1:
        scale = y.quantization.scale if divisors is None else divisors.min()
        a, b = _scaled(function, a, b, found.factor, float(scale))
    if function is TableFunction.DIV and y.clamp != _ALL and _may_be_no_number(a.values, b.values):
        raise Refusal("its quotient may be no number, which the activation after it keeps")
    return make_table_binary(function, covers, (a, b), y.quantized, y.clamp, divisors, facts)


def _result(
    node: ir.Node, found: TwoFunctions, axis: int, facts: Facts
) -> tuple[Result, Float32Array | None]:
    """What quantizes the result; the scales of its channels, where it has one for each."""
    if axis != 1 or not is_divided(node):
        return read_result(node), None
    shape = broadcast(*(facts.ranked(x) for x, _ in found.functions))
    return read_channel_result(node, len(shape), shape[1])


def _may_be_no_number(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether a quotient of an element of each may be NaN: as 0 / 0 is."""
    kinds = (np.isnan(a).any() or np.isnan(b).any(), *(kind(a).any() and kind(b).any() for kind in _KINDS))
    return any(kinds)


def _scaled(
    function: TableFunction, a: Looked, b: Looked, factor: np.float32, y_scale: float
) -> tuple[Looked, Looked]:
    """Functions of which the sum or product is that of the given ones, times the factor, with all bits.

    A power of two leaves each rounding as it is, if nothing overflows and what underflows is quantized to 0.
    """
    tables = [b.values] if function is TableFunction.MUL else [a.values, b.values]
    # Far from float32's largest number, 2^128; NaN is not.
    numbers = [float(np.abs(t.astype(np.float64)).max()) for t in (a.values, b.values)]
    scaled = [table * factor for table in tables]
    if (
        not max(numbers) * max(*numbers, 1.0) < 2.0**60
        or not 2.0**-30 <= factor <= 2.0**30
        or not y_scale > 2.0**-60
        or any((s / factor != t).any() for s, t in zip(scaled, tables, strict=True))
    ):
        raise Refusal("its factor of a power of two cannot be applied before the sum or product")
    if function is TableFunction.MUL:
        return a, b._replace(values=scaled[0])
    return a._replace(values=scaled[0]), b._replace(values=scaled[1])


def looked_up(x: ir.Value, nodes: list[ir.Node], axis: int, facts: Facts) -> Looked:
    """What onnxruntime's CPU provider makes of all values of x, by nodes from its DequantizeLinear on."""
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
