"""QBatchMatMul -> QTable -> QSoftmax -> QBatchMatMul => QAttention; with a mask => QMaskedAttention"""

from collections.abc import Mapping
from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, consumed_only_by, replace_node
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.layout import ALL
from qudnn.converter.island.packing import Int8Array
from qudnn.converter.island.tables import VALUES, TableFunction, function_of
from qudnn.converter.passes.base import NodePass

_RANK = 4
_IN_PLACE = list(range(_RANK))
_SOFTMAXES = ("QSoftmax", "QMaskedSoftmax")
_VIEW = ("perm", "starts", "ends")


class FuseAttention(NodePass):
    """Scores and probabilities, sequence by sequence of each head, need not be written to memory.

    They must have no other consumers; the matmuls must have four dimensions and one scale and zero point for
    all columns.
    """

    def matches(self, node: ir.Node) -> bool:
        """Whether it is a softmax beside a matmul."""
        consumers = [use.node for use in node.outputs[0].uses()] if is_qudnn(node, *_SOFTMAXES) else []
        return any(is_qudnn(consumer, "QBatchMatMul") for consumer in consumers)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        self._fuse(_chain_at(node), graph)

    def _fuse(self, chain: "_Chain", graph: ir.Graph) -> None:
        op_type, softmax = "QAttention", chain.softmax
        table = add_initializer(graph, self.context.names.value(f"{softmax.name}/table"), chain.table)
        q, k, v = (*chain.scores.inputs[:2], chain.result.inputs[1])
        inputs = [q, k, v, table]
        if is_qudnn(softmax, "QMaskedSoftmax"):
            op_type = "QMaskedAttention"
            inputs.append(softmax.inputs[1])
        fused = ir.node(op_type, inputs, chain.attributes(), domain=DOMAIN, name=softmax.name)
        replace_node(chain.result, fused, described=softmax)


class _Chain(NamedTuple):
    """Its nodes, and what becomes of the scores between the first two."""

    scores: ir.Node
    table: Int8Array
    softmax: ir.Node
    result: ir.Node

    @property
    def keys(self) -> int | None:
        """How many there are, if it is known."""
        shape = self.scores.outputs[0].shape
        width = None if shape is None else shape[-1]
        return width - ints(self.scores, "pads")[-1] if isinstance(width, int) else None

    def of_one_table(self) -> "_Chain":
        """With one table for all keys."""
        if self.table.ndim == 1:
            return self
        tables = self.table[: self.keys]
        if not len(tables) or (tables != tables[0]).any():
            raise Refusal("the function before it differs by key")
        return self._replace(table=tables[0])

    def attributes(self) -> dict[str, int | float | list[int]]:
        """Those of the one op."""
        matmuls = (("q", self.scores, "a"), ("k", self.scores, "b"), ("v", self.result, "b"))
        parts = {f"{x}_{what}": ints(node, f"{of}_{what}") for x, node, of in matmuls for what in _VIEW}
        scores, result = (_Epilogue.of(node) for node in (self.scores, self.result))
        return {
            **parts,
            "y_perm": ints(self.result, "y_perm"),
            "pads": ints(self.result, "pads"),
            "q_zero_point": scores.a_zero_point,
            "k_zero_point": scores.b_zero_point,
            "score_multiplier": scores.multiplier,
            "score_zero_point": scores.y_zero_point,
            **_softmax_attributes(self.softmax.attributes),
            "weight_zero_point": result.a_zero_point,
            "v_zero_point": result.b_zero_point,
            "y_multiplier": result.multiplier,
            "y_zero_point": result.y_zero_point,
        }


class _Epilogue(NamedTuple):
    """What a matmul has one of for all columns."""

    a_zero_point: int
    b_zero_point: int
    multiplier: float
    y_zero_point: int

    @classmethod
    def of(cls, node: ir.Node) -> "_Epilogue":
        """Raises Refusal where columns differ, or where there is a bias or a bound."""
        bias, multiplier, zero_point = (constant_or_none(required_input(node, i)) for i in (2, 3, 4))
        if bias is None or multiplier is None or zero_point is None:
            raise Refusal("a matmul beside it has parameters that are not constant")
        bounds = [node.attributes[name].as_int() for name in ("y_min", "y_max")]
        if multiplier.size != 1 or zero_point.size != 1:
            raise Refusal("a matmul beside it has scales or zero points that differ by column")
        if bias.any() or bounds != [-128, 127]:
            raise Refusal("a matmul beside it has a bias, or clips its result")
        a_zero_point, y_zero_point = (
            node.attributes[name].as_int() for name in ("a_zero_point", "y_zero_point")
        )
        return cls(a_zero_point, int(zero_point.item()), float(multiplier.item()), y_zero_point)


def _softmax_attributes(of: Mapping[str, ir.Attr]) -> dict[str, int | float | list[int]]:
    attributes: dict[str, int | float | list[int]] = {
        "softmax_scale": of["x_scale"].as_float(),
        "softmax_zero_point": of["x_zero_point"].as_int(),
        "probability_scale": of["y_scale"].as_float(),
        "probability_zero_point": of["y_zero_point"].as_int(),
    }
    if "dtype" in of:
        return attributes | {"dtype": of["dtype"].as_int()}
    return attributes | {name: of[name].as_float() for name in ("factor", "divisor")}


def _chain_at(softmax: ir.Node) -> _Chain:
    """The chain around the softmax, if it is one that may become one op."""
    x, weights = required_input(softmax, 0), softmax.outputs[0]
    writer = x.producer()
    function = None if writer is None or not consumed_only_by(writer, softmax) else function_of(writer)
    if function is None:
        function = TableFunction(x, VALUES, 0)
    scores = function.x.producer()
    if scores is None or not is_qudnn(scores, "QBatchMatMul"):
        raise Refusal("its input comes from no matmul, nor from a function of the result of one")
    if len(function.x.uses()) != 1 or function.x.is_graph_output():
        raise Refusal("its scores have other consumers")
    consumers = list(weights.uses())
    if len(consumers) != 1 or weights.is_graph_output():
        raise Refusal("its result has other consumers than one matmul")
    result = consumers[0].node
    if consumers[0].idx != 0 or not is_qudnn(result, "QBatchMatMul"):
        raise Refusal("its result is not the left input of a matmul")
    chain = _Chain(scores, function.table, softmax, result)
    _check(chain)
    return chain.of_one_table()


def _check(chain: _Chain) -> None:
    """Raises Refusal where the op would compute something else."""
    scores, _, _, result = chain
    perms = [ints(node, f"{matrix}_perm") for node in (scores, result) for matrix in ("a", "b", "y")]
    if any(len(perm) != _RANK for perm in perms):
        raise Refusal(f"its matmuls do not have {_RANK} dimensions")
    _Epilogue.of(scores)
    _Epilogue.of(result)
    _, _, of_scores, of_weights, _, _ = perms
    starts, ends = ints(result, "a_starts"), ints(result, "a_ends")
    if of_scores != _IN_PLACE or of_weights != _IN_PLACE:
        raise Refusal("its scores or its weights are transposed")
    if any(starts) or ends[:-1] != [ALL] * (_RANK - 1) or not _takes_all_keys(chain, ends[-1]):
        raise Refusal("it leaves out some of the keys, or takes padding for keys")


def _takes_all_keys(chain: _Chain, end: int) -> bool:
    """Whether the softmax and the second matmul leave out the padding of the scores, and nothing else."""
    padding, keys = ints(chain.scores, "pads")[-1], chain.keys
    bounds = (chain.softmax.attributes["channels"].as_int(), end)
    if keys is None:
        return padding == 0 and bounds == (ALL, ALL)
    has_padding = padding > 0 or ("pads" in chain.softmax.attributes and ints(chain.softmax, "pads")[-1] > 0)
    return all(bound == keys or (bound == ALL and not has_padding) for bound in bounds)
