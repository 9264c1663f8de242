"""Several QMatMul of one x, results split into heads => QProjections of x, split once (fused QKV)

Queries, keys and values of an attention then lie side by side, and the matmuls read parts of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.island.batch_matmuls import operand_of
from qudnn.converter.island.crossings import ints, is_qudnn, set_ints
from qudnn.converter.island.merging import one_for
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.tables import VALUES, composed, function_of
from qudnn.converter.passes.fuse.merge_alike import MergeAlike

_INT8 = ir.DataType.INT8


@dataclass(frozen=True)
class _Projection:
    """A matmul with weights and what is made of its result.

    constants: weight `[Kp, Cp]`, bias `[Kp]`, multiplier `[Kp]`. reshape: splits the result into heads, as
    target says. functions: the nodes that compute the table's values, before the Reshape and after.
    result: what is consumed.
    """

    matmul: ir.Node
    constants: tuple[NDArray[Any], ...]
    functions: tuple[ir.Node, ...]
    table: Int8Array
    reshape: ir.Node
    target: tuple[int, ...]
    result: ir.Value

    @property
    def key(self) -> tuple[object, ...]:
        """What those have in common that may be merged."""
        return self.matmul.inputs[0], self.target[:-2], self.target[-1]

    @property
    def heads(self) -> int:
        return self.target[-2]

    @property
    def width(self) -> int:
        return self.target[-2] * self.target[-1]


class MergeProjections(MergeAlike[_Projection]):
    """One large matmul takes less time than several small ones.

    Only those with matmuls of heads as sole consumers, so that nothing has to be split in memory. They
    may have different numbers of heads, of one size.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "QMatMul") and _has_sibling(node)

    def read(self, node: ir.Node) -> _Projection:
        return _projection(node)

    def merge(self, group: list[_Projection]) -> None:
        matmuls = [p.matmul for p in group]
        weight, bias, multiplier = map(np.concatenate, zip(*(p.constants for p in group), strict=True))
        zero_points = [np.full(p.width, p.matmul.attributes["y_zero_point"].as_int()) for p in group]
        constants = {
            "weight": weight,
            "bias": bias,
            "multiplier": multiplier,
            "y_zero_point": np.concatenate(zero_points).astype(np.float32),
        }
        x, wide = required_input(matmuls[0], 0), _shape(matmuls[0].outputs[0], len(bias))
        new = [one_for(matmuls, "QProjections", {"x": x, **constants}, (_INT8, wide), self.context.names)]
        functions = [node for p in group for node in p.functions]
        if functions:
            table = np.concatenate([np.broadcast_to(p.table, (p.width, 256)) for p in group])
            y = new[-1].outputs[0]
            new.append(
                one_for(functions, "QTable", {"x": y, "table": table}, (_INT8, wide), self.context.names)
            )
        heads = sum(p.heads for p in group), group[0].target[-1]
        target = {"shape": np.array([*group[0].target[:-2], *heads], np.int64)}
        reshapes = [p.reshape for p in group]
        parted = _shape(reshapes[0].outputs[0], *heads)
        y = new[-1].outputs[0]
        new.append(
            one_for(reshapes, "Reshape", {"x": y, **target}, (_INT8, parted), self.context.names, domain="")
        )
        graph = matmuls[0].graph
        assert graph is not None
        graph.insert_before(matmuls[0], new)

        first = 0
        for projection in group:
            _read_part(projection, new[-1].outputs[0], first)
            first += projection.heads


def _shape(of: ir.Value, *last: int) -> ir.Shape | None:
    """Its shape with other last dimensions."""
    return None if of.shape is None else ir.Shape([*of.shape[: -len(last)], *last])


def _has_sibling(matmul: ir.Node) -> bool:
    """Whether another matmul with weights reads the same tensor."""
    consumers = {use.node for use in required_input(matmul, 0).uses()}
    return sum(is_qudnn(consumer, "QMatMul") for consumer in consumers) > 1


def _projection(node: ir.Node) -> _Projection:
    """Raises Refusal where its result is not heads of an attention."""
    if [node.attributes[bound].as_int() for bound in ("y_min", "y_max")] != [-128, 127]:
        raise Refusal("an activation clips its result")
    weight, bias, multiplier = (constant_or_none(required_input(node, i)) for i in (1, 2, 3))
    if weight is None or bias is None or multiplier is None or not np.isfinite(multiplier).all():
        raise Refusal("its weights or scales are not constant, or not finite")
    y, before, table = _after_functions(node.outputs[0])
    reshape = sole_consumer(y)
    target = None if reshape is None else _target(reshape)
    if reshape is None or target is None or target[-2] * target[-1] != len(bias):
        raise Refusal("its result is not just split into heads")
    result, after, outer = _after_functions(reshape.outputs[0])
    operands = [operand_of(use.node, use.idx) for use in result.uses()]
    if result.is_graph_output() or not operands or None in operands:
        raise Refusal("its heads have other consumers than matmuls")
    if outer.ndim > 1:
        outer = np.tile(outer, (target[-2], 1))
    constants = (weight, bias, multiplier)
    return _Projection(node, constants, (*before, *after), composed(outer, table), reshape, target, result)


def _after_functions(x: ir.Value) -> tuple[ir.Value, tuple[ir.Node, ...], Int8Array]:
    """What is computed of x by nodes that alone read it, one after the other; those nodes; their table."""
    nodes: tuple[ir.Node, ...] = ()
    table = VALUES
    while True:
        node = sole_consumer(x)
        found = None if node is None else function_of(node)
        if node is None or found is None or found.x is not x:
            return x, nodes, table
        x, nodes, table = node.outputs[0], (*nodes, node), composed(found.table, table)


def _target(reshape: ir.Node) -> tuple[int, ...] | None:
    """The shape to which it splits channels into heads; None if it is another node."""
    if not is_onnx(reshape, "Reshape") or reshape.attributes:
        return None
    target = constant_or_none(required_input(reshape, 1))
    if target is None or len(target) < 3 or min(target[-2:]) <= 0:
        return None
    return tuple(int(size) for size in target)


def _read_part(projection: _Projection, merged: ir.Value, first: int) -> None:
    """Let what reads these heads read them where they are among the others now."""
    for node, index in list(projection.result.uses()):
        operand = operand_of(node, index)
        starts, ends = ints(node, f"{operand}_starts"), ints(node, f"{operand}_ends")
        starts[-2] += first
        ends[-2] = first + min(ends[-2], projection.heads)
        set_ints(node, f"{operand}_starts", starts)
        set_ints(node, f"{operand}_ends", ends)
        node.replace_input_with(index, merged)
    producer = projection.result.producer()
    assert producer is not None
    remove_orphans([producer])
