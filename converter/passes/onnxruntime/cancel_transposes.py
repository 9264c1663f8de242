"""Transpose -> Q/DQ pairs and elementwise operators, or none -> the inverse Transpose => those alone"""

import onnx_ir as ir

from qudnn.converter.context import Preparation
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import is_needed, remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, dtype_read, quantizes, read_with, written_with
from qudnn.converter.qdq.moves import is_passed
from qudnn.converter.qdq.pairs import pass_back, pass_on

_MOST_MOVES = 64  # in a row, after which another pair may follow


class CancelTransposes(EarlyNodePass):
    """onnxruntime does it between two rounds of merging double pairs: it makes pairs adjacent.

    (onnxruntime 1.30, transpose_optimizer.cc, TransposeOptimizer, and onnx_transpose_optimization.cc.)
    Merging changes the bits of the model; where onnxruntime does it, the converted model has to do it too.
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "Transpose") or not _perm(node):
            return False
        _, last = _after_pairs(node)
        return is_onnx(last, "Transpose") and is_needed(last.outputs[0])

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        _cancel(node, self.context)


def _cancel(first: ir.Node, context: Preparation) -> None:
    _, node = _after_pairs(first)
    assert node is not None
    if not _perm(node):
        raise Refusal("the Transpose after it has no perm")
    if [_perm(first)[axis] for axis in _perm(node)] != sorted(_perm(first)):
        raise Refusal("the Transpose after it is not its inverse")
    _let_pass(first, node, context)
    chain, _ = _after_pairs(first)
    x = required_input(first, 0)
    if _says_nothing_new(x.producer(), chain):
        chain = chain[2:]
    before = chain[-1].outputs[0] if chain else x
    after = _pair_after(node)
    y = node.outputs[0]
    if _says_nothing_new(before.producer(), after):
        y = after[1].outputs[0]
    if y.is_graph_output() and (before.producer() is None or before.is_graph_output()):
        raise Refusal("without it an input or another output of the graph would be an output")
    if chain:
        chain[0].replace_input_with(0, x)
    for member in chain:
        member.outputs[0].shape = x.shape
    if y.is_graph_output():
        take_place(y, before)
    else:
        y.replace_all_uses_with(before)
    remove_orphans([*reversed(after), node, first])


def _after_pairs(first: ir.Node) -> tuple[list[ir.Node], ir.Node | None]:
    """What Transposes pass, and the node after it, each the sole consumer of the one before."""
    chain: list[ir.Node] = []
    node = sole_consumer(first.outputs[0], once=True, inside=True)
    while node is not None and (_is_of_a_pair(node) or has_trait(node, Trait.TRANSPOSED)):
        chain.append(node)
        node = sole_consumer(node.outputs[0], once=True, inside=True)
    return chain, node


def _let_pass(first: ir.Node, second: ir.Node, context: Preparation) -> None:
    """Let the pairs around the Transposes pass moves, Transposes among them, as long as these are there.

    Merging may give them other parameters afterwards, and the pairs beyond the moves keep theirs.
    """
    before = required_input(first, 0).producer()
    consumer = sole_consumer(second.outputs[0], once=True, inside=True)
    for _ in range(_MOST_MOVES):
        if consumer is not None and is_passed(consumer):
            consumer = sole_consumer(consumer.outputs[0], once=True, inside=True)
    written = required_input(before, 0).producer() if before is not None and dequantizes(before) else None
    for quantize in (written, consumer):
        if quantize is not None and quantizes(quantize) and _is_of_a_pair(quantize):
            pass_back(quantize, context.names)
    last = required_input(second, 0).producer()
    consumers = [use.node for use in consumer.outputs[0].uses()] if consumer and quantizes(consumer) else []
    for dequantize in (last, *consumers):
        if dequantize is not None and dequantizes(dequantize) and _is_of_a_pair(dequantize):
            pass_on(dequantize, context.names)


def _perm(transpose: ir.Node) -> list[int]:
    """Where it takes the axes from; empty where it reverses them, however many there are."""
    return list(transpose.attributes.get_ints("perm", []))


def _is_of_a_pair(node: ir.Node) -> bool:
    """Whether the node quantizes or dequantizes per tensor: then its axes do not matter."""
    try:
        if quantizes(node):
            written_with(node)
        elif dequantizes(node):
            read_with(node, dtype_read(node))
        else:
            return False
    except Refusal:
        return False
    return True


def _says_nothing_new(before: ir.Node | None, chain: list[ir.Node]) -> bool:
    """Whether the first pair quantizes as what comes before has been quantized already.

    Then it changes nothing. onnxruntime drops such a pair around a Transpose, and there is none any more
    that another pair could be merged with (onnxruntime 1.30, onnx_transpose_optimization.cc,
    TryRemoveEmptyDQQ).
    """
    if before is None or len(chain) < 2 or not _is_of_a_pair(before) or not dequantizes(before):
        return False
    quantize, dequantize = chain[:2]
    if not quantizes(quantize) or not dequantizes(dequantize):
        return False
    written = written_with(quantize)
    return read_with(dequantize, written.dtype) == written == read_with(before, dtype_read(before))


def _pair_after(node: ir.Node) -> list[ir.Node]:
    """QuantizeLinear and DequantizeLinear, all in a row with a sole consumer each; or nothing."""
    quantize = sole_consumer(node.outputs[0], once=True, inside=True)
    dequantize = None if quantize is None else sole_consumer(quantize.outputs[0], once=True, inside=True)
    pair = [member for member in (quantize, dequantize) if member is not None and _is_of_a_pair(member)]
    if len(pair) < 2:
        return []
    y = pair[1].outputs[0]
    # onnxruntime has a DequantizeLinear for each consumer, and then drops no pair (1.30,
    # ensure_unique_dq_for_node_unit.cc, EnsureUniqueDQForNodeUnit).
    return pair if len(y.uses()) + y.is_graph_output() == 1 else []
