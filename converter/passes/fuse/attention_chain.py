"""An attention in float32 between its two matmuls: `softmax(matmul * factor / divisor + mask)`

The first matmul may be one of int8 tensors, QBatchMatMulToFloat.
"""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.passes.fuse.attention_operands import Scale, scaled_by_number


class Chain(NamedTuple):
    """nodes: all of them, from the matmul of queries and keys to that of the softmax and the values.

    guarded: whether 0 replaces NaN in the softmax.
    """

    nodes: tuple[ir.Node, ...]
    softmax: ir.Node
    factor: Scale
    divisor: Scale
    mask: ir.Value | None
    guarded: bool

    @property
    def queries(self) -> ir.Value:
        return required_input(self.nodes[0], 0)

    @property
    def keys(self) -> ir.Value:
        return required_input(self.nodes[0], 1)

    @property
    def values(self) -> ir.Value:
        return required_input(self.nodes[-1], 1)

    @property
    def result(self) -> ir.Value:
        return self.nodes[-1].outputs[0]

    @property
    def is_read_elsewhere(self) -> bool:
        """Whether anything but the chain needs one of its results, apart from the last."""
        between = [node.outputs[0] for node in self.nodes[:-1]]
        consumers = {use.node for value in between for use in value.uses()}
        return not consumers <= {*self.nodes} or any(value.is_graph_output() for value in between)


def chain_around(softmax: ir.Node, facts: Facts) -> Chain | None:
    """The chain that the node belongs to, if it is a Softmax between two matmuls."""
    if not is_onnx(softmax, "Softmax"):
        return None
    scores = _scores(required_input(softmax, 0), facts)
    guard = _guard(softmax)
    weights = softmax if guard is None else guard[-1]
    matmuls = [use.node for use in weights.outputs[0].uses() if is_onnx(use.node, "MatMul") and use.idx == 0]
    if scores is None or not matmuls:
        return None
    nodes = (*scores.nodes, softmax, *(guard or ()), matmuls[0])
    return Chain(nodes, softmax, scores.factor, scores.divisor, scores.mask, guard is not None)


class _Scores(NamedTuple):
    nodes: tuple[ir.Node, ...]
    factor: Scale
    divisor: Scale
    mask: ir.Value | None = None


def _scores(x: ir.Value, facts: Facts) -> _Scores | None:
    """What the softmax is computed of."""
    add = x.producer()
    if not is_onnx(add, "Add"):
        return _scaled_matmul(x, facts)
    a, b = required_input(add, 0), required_input(add, 1)
    for scaled, mask in (a, b), (b, a):
        found = _scaled_matmul(scaled, facts)
        if found is not None:
            return found._replace(nodes=(*found.nodes, add), mask=mask)
    return None


def _scaled_matmul(x: ir.Value, facts: Facts) -> _Scores | None:
    """matmul * factor / divisor, of one number each at most."""
    nodes: list[ir.Node] = []
    numbers = {"Div": Scale(), "Mul": Scale()}
    for op_type in numbers:
        scaled = scaled_by_number(x, facts, op_type)
        node = x.producer()
        if scaled is not None and node is not None:
            nodes.insert(0, node)
            x, numbers[op_type] = scaled
    matmul = x.producer()
    if matmul is None or not (is_onnx(matmul, "MatMul") or is_qudnn(matmul, "QBatchMatMulToFloat")):
        return None
    return _Scores((matmul, *nodes), numbers["Mul"], numbers["Div"])


def _guard(softmax: ir.Node) -> tuple[ir.Node, ir.Node] | None:
    """IsNaN and Where, which put 0 in the place of NaN: of rows that are masked altogether."""
    weights = softmax.outputs[0]
    for where in [use.node for use in weights.uses() if is_onnx(use.node, "Where")]:
        is_nan = required_input(where, 0).producer()
        zero = constant_or_none(required_input(where, 1))
        if not is_onnx(is_nan, "IsNaN") or zero is None or zero.size != 1 or zero.ndim > 1 or zero.any():
            continue
        if required_input(is_nan, 0) is weights and required_input(where, 2) is weights:
            return is_nan, where
    return None
