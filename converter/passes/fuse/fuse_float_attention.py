"""Transpose -> MatMul -> Softmax -> MatMul -> Transpose, in float32 => Attention or MaskedAttention

The last Transpose may be that of a QuantizeToIsland. QBatchMatMulToFloat may stand for the first MatMul and
what is before it, and a DequantizeFromIsland for the Transpose of the values.
"""

from math import prod

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.uniform import uniform
from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, describe_as, remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.reshaping import target_of
from qudnn.converter.graph.sizes import broadcast
from qudnn.converter.island.crossings import ints, is_qudnn, set_ints
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.attention_chain import Chain, chain_around
from qudnn.converter.passes.fuse.attention_inside import InsideHeads
from qudnn.converter.passes.fuse.attention_operands import COLUMNS, ROWS, Heads, heads

_NOTE = "its matmuls are computed in TF32, as by onnxruntime's CUDA provider: a GPU's results are less exact"
_PRODUCERS = ("DynamicQMatMul", "QMatMulToFloat", "QBatchMatMulToFloat", "DequantizeFromIsland")


class FuseFloatAttention(NodePass):
    """Scores and probabilities need not be written to memory, nor heads be moved.

    Only next to an island, with a matmul or an exit that produces an operand, or an entry that quantizes the
    result.
    """

    REPORTED = True

    def run(self, model: ir.Model) -> None:
        self._joined: dict[ir.Value, ir.Value] = {}
        super().run(model)
        if self._joined:
            model.graph.sort()  # another chain, which reads the same, may begin before

    def matches(self, node: ir.Node) -> bool:
        chain = chain_around(node, self.context.facts)
        return chain is not None and _is_beside_island(chain)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        chain = chain_around(node, self.context.facts)
        assert chain is not None
        self._fuse(chain, graph)

    def _fuse(self, chain: Chain, graph: ir.Graph) -> None:
        facts, softmax = self.context.facts, chain.softmax
        if softmax.attributes.get_int("axis", -1) not in (-1, len(ROWS) - 1):
            raise Refusal("its axis is not the last one")
        if chain.is_read_elsewhere:
            raise Refusal("its scores or its weights have other consumers")
        last = _transposed_back(chain.result)
        inside = InsideHeads(graph, self.context)
        scores = chain.nodes[0]
        factor = chain.factor
        if is_qudnn(scores, "QBatchMatMulToFloat"):
            q, k = inside.of_scores(scores)
            factor = inside.scaled(factor, scores)
        else:
            q, k = heads(chain.queries, ROWS, facts, "queries"), heads(chain.keys, COLUMNS, facts, "keys")
        v = inside.of_values(chain.values) or heads(chain.values, ROWS, facts, "values")
        if not q.shape[0] == k.shape[0] == v.shape[0]:
            raise Refusal("its queries, keys and values are not known to be of one batch")
        if not q.number == k.number == v.number:
            raise Refusal("its queries, keys and values have different numbers of heads")
        mask, op_type = _mask(chain, q, k, facts), "Attention"
        inside.insert((x.value for x in (q, k, v)), chain.nodes[-1])
        inputs = [self._side_by_side(x, chain, facts) for x in (q, k, v)]
        if mask is not None:
            inputs, op_type = [*inputs, mask], "MaskedAttention"
        attributes: dict[str, Attribute] = {
            "heads": q.number,
            "q_first": q.first,
            "k_first": k.first,
            "v_first": v.first,
            "nan_to_zero": int(chain.guarded),
        }
        scales = {
            "q_factor": q.factor,
            "k_factor": k.factor,
            "factor": factor,
            "divisor": chain.divisor,
        }
        for name, scale in scales.items():
            if scale.computed and q.number == 1:
                raise Refusal("it has one head, and its scale is computed of sizes")
            attributes[name], attributes[f"{name}_shape"] = scale.number, scale.shape(q.number)
        fused = ir.node(op_type, inputs, attributes, domain=DOMAIN, name=softmax.name)
        describe_as(fused, softmax)
        if is_qudnn(last, "QuantizeToIsland"):
            graph.insert_before(last, fused)
            y = fused.outputs[0]
            y.name = self.context.names.value(f"{chain.result.name}/transposed")
            y.type = ir.TensorType(ir.DataType.FLOAT)
            facts.note_shape(y, ir.DataType.FLOAT, (*q.shape[:3], v.shape[3]))
            last.replace_input_with(0, y)
            set_ints(last, "perm", [ROWS[axis] for axis in ints(last, "perm")])
            remove_orphans([chain.nodes[-1]])
        else:
            graph.insert_after(last, fused)
            take_place(last.outputs[0], fused.outputs[0])
            remove_orphans([last])
        self.context.notes.pop(scores, None)
        self.context.notes[fused] = _NOTE

    def _side_by_side(self, heads: Heads, chain: Chain, facts: Facts) -> ir.Value:
        """The tensor with its heads along one axis, as the op reads them."""
        x, graph = heads.value, chain.softmax.graph
        batch, length, *parts, size = facts.ranked(x)
        if len(parts) == 1:
            return x
        if x not in self._joined:
            assert isinstance(graph, ir.Graph)
            count = prod(part for part in parts if isinstance(part, int))
            name = self.context.names.node(f"{x.name}/joined")
            target = np.array(target_of((batch, length, count, size), facts.ranked(x)), np.int64)
            shape = add_initializer(graph, self.context.names.value(f"{name}/shape"), target)
            join = ir.node("Reshape", [x, shape], name=name)
            join.outputs[0].name = self.context.names.value(name)
            join.outputs[0].type = ir.TensorType(ir.DataType.FLOAT)
            facts.note_shape(join.outputs[0], ir.DataType.FLOAT, (batch, length, count, size))
            graph.insert_before(chain.nodes[0], join)
            self._joined[x] = join.outputs[0]
        return self._joined[x]


def _is_beside_island(chain: Chain) -> bool:
    return any(map(_comes_from_island, (chain.queries, chain.keys, chain.values))) or _is_quantized(chain)


def _comes_from_island(value: ir.Value) -> bool:
    node = value.producer()
    while has_trait(node, Trait.MOVES) or is_onnx(node, "Add", "Mul"):
        node = required_input(node, 0).producer()
    return is_qudnn(node, *_PRODUCERS)


def _is_quantized(chain: Chain) -> bool:
    consumers = [use.node for use in chain.result.uses()]
    for consumer in consumers:
        if has_trait(consumer, Trait.MOVES) or is_onnx(consumer, "Mul"):
            consumers += [use.node for use in consumer.outputs[0].uses()]
    return any(is_qudnn(consumer, "DynamicQuantizeToIsland", "QuantizeToIsland") for consumer in consumers)


def _transposed_back(result: ir.Value) -> ir.Node:
    """The node that alone reads the result, and puts the heads where they were, or quantizes them."""
    node = sole_consumer(result)
    if node is not None and is_qudnn(node, "QuantizeToIsland"):
        return node
    if not is_onnx(node, "Transpose") or "perm" not in node.attributes:
        raise Refusal("its result is not just transposed")
    if ints(node, "perm") != ROWS:
        raise Refusal(f"its result is transposed by {ints(node, 'perm')}, not by {ROWS}")
    return node


def _mask(chain: Chain, q: Heads, k: Heads, facts: Facts) -> ir.Value | None:
    """None where it hides nothing."""
    mask = chain.mask
    if mask is None:
        return None
    if facts.dtype(mask) != ir.DataType.FLOAT:
        raise Refusal("its mask is not known to be float32")
    shape, scores = facts.ranked(mask), (q.shape[0], q.number, q.shape[1], k.shape[1])
    if len(shape) != len(scores):
        raise Refusal(f"its mask has {len(shape)} dimensions, not {len(scores)}")
    if broadcast(scores, shape) != scores:
        raise Refusal("its mask broadcasts the scores to a larger shape")
    number = uniform(mask)
    return None if number is not None and number == 0 else mask
