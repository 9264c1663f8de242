"""move -> QuantizeLinear => QuantizeLinear -> DequantizeLinear -> move -> QuantizeLinear, and mirrored"""

from enum import Enum, auto

import onnx_ir as ir

from qudnn.converter.context import Preparation
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.weights import find_dequantize
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.marks import READ_IN_FLOAT
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import (
    dequantizes,
    has_integer_form,
    is_of_a_quantized_tensor,
    quantizes,
    read_with,
    written_with,
)
from qudnn.converter.qdq.moves import is_passed, moves, needed
from qudnn.converter.qdq.pairs import insert_pair
from qudnn.converter.qdq.sums import biased_sum

_MOST_FUNCTIONS = 32  # in a row


class PropagatePairs(EarlyPass):
    """For models quantized in few places: operators that only move values work on 8 bits as well.

    A move gives the same result before and after quantizing, so no value changes. It brings a QuantizeLinear
    next to the convolution before the move, and a DequantizeLinear next to the one after it.
    onnxruntime does it too, for all providers (onnxruntime 1.30, qdq_propagation.cc,
    QDQPropagationTransformer), with fewer moves. Past the others a QuantizeLinear goes only where it makes
    no integer operator. A DequantizeLinear passes them before a matmul or convolution with quantized weights,
    too, whose result is quantized: onnxruntime computes it in float32, which read_in_float remembers.
    """

    def run(self, model: ir.Model) -> None:
        """Backwards for QuantizeLinear and then forwards for DequantizeLinear, to pass several moves."""
        self._sources: dict[ir.Value, _Source] = {}
        for node in reversed(list(model.graph)):
            if moves(node):
                self._quantize_before(node)
        for node in list(model.graph):
            if moves(node):
                try:
                    _dequantize_after(node, self.context)
                except Refusal as refusal:
                    self.decline(node, refusal)

    def _quantize_before(self, move: ir.Node) -> None:
        """operator -> move -> QuantizeLinear: quantize what the move reads."""
        x = required_input(move, 0)
        quantize = sole_consumer(move.outputs[0], once=True)
        if not quantizes(quantize) or len(needed(move)) > 1:
            return
        source = self._source(x, move)
        if source is _Source.NONE or (source is _Source.INTEGER_FORM and not is_passed(move)):
            return
        try:
            written_with(quantize)
        except Refusal as refusal:
            self.decline(quantize, refusal)
            return
        move.replace_input_with(0, insert_pair(x, quantize, self.context.names))

    def _source(self, x: ir.Value, consumer: ir.Node) -> "_Source":
        """What produces x, possibly through moves, for this consumer."""
        way: list[tuple[ir.Value, bool]] = []  # values, and whether onnxruntime passes what produces them
        while x not in self._sources:
            source = x.producer()
            is_alone = sole_consumer(x, once=True) is consumer
            if source is None or source.graph is not consumer.graph or (x.is_graph_output() and not is_alone):
                self._sources[x] = _Source.NONE
            elif moves(source) or has_trait(source, Trait.CLIPS):
                way.append((x, is_alone and (is_passed(source) or has_trait(source, Trait.CLIPS))))
                x, consumer = required_input(source, 0), source
            elif has_integer_form(source):
                self._sources[x] = _Source.INTEGER_FORM if is_alone else _Source.NONE
            else:
                self._sources[x] = _Source.OP if _has_op(source) else _Source.NONE
        found = self._sources[x]
        for value, is_passed_by_all in reversed(way):
            if not is_passed_by_all and found is _Source.INTEGER_FORM:
                found = _Source.NONE
            self._sources[value] = found
        return found


class _Source(Enum):
    """An operator before moves: quantized next to it, it may become an integer operator to onnxruntime."""

    NONE = auto()
    INTEGER_FORM = auto()  # it does, where onnxruntime passes all moves between as well
    OP = auto()  # it does not, but there is an op for it


def _has_op(node: ir.Node) -> bool:
    """Whether it is a float operator of which there is an op, though onnxruntime has no integer form."""
    x = node.inputs[0].producer() if node.inputs and node.inputs[0] is not None else None
    if is_onnx(node, "LayerNormalization") and (
        biased_sum(x) is not None or is_onnx(x, "LayerNormalization")
    ):
        return True
    if has_trait(node, Trait.OP_IN_FLOAT):
        return dequantizes(x)
    return has_trait(node, Trait.ELEMENTWISE) and is_of_a_quantized_tensor(node)


def _dequantize_after(move: ir.Node, context: Preparation) -> None:
    """DequantizeLinear -> move -> operator: dequantize after the move.

    The same before a QuantizeLinear, if it has another scale than the move's input has.
    """
    dequantize = required_input(move, 0).producer()
    if dequantize is None or not dequantizes(dequantize) or dequantize.graph is not move.graph:
        return
    if constant_or_none(required_input(dequantize, 0)) is not None or not any(map(_is_wanted, needed(move))):
        return
    if node_input(dequantize, 2) is None:
        raise Refusal("the DequantizeLinear before it has no zero point")
    parameters = read_with(dequantize, None)
    passed = [y for y in needed(move) if not _is_quantized_with(y, parameters)]
    for y in passed:
        _check_consumers(y, move)
    for y in passed:
        uses = list(y.uses())
        moved = insert_pair(y, dequantize, context.names)
        for use in uses:
            use.node.replace_input_with(use.idx, moved)
        if not is_passed(move) and any(_multiplies_by_weights(use.node, moved) for use in uses):
            (quantize,) = (use.node for use in y.uses())
            READ_IN_FLOAT.put_on(quantize.outputs[0])


def _is_wanted(y: ir.Value) -> bool:
    """Whether any consumer has a use for the value in 8 bits."""
    consumers = (use.node for use in y.uses())
    return any(quantizes(node) or moves(node) or has_integer_form(node) for node in consumers)


def _check_consumers(y: ir.Value, move: ir.Node) -> None:
    """Raises Refusal where the result of the move is not to be dequantized anew for its consumers."""
    consumers = [use.node for use in y.uses()]
    if y.is_graph_output():
        raise Refusal("its result is an output of the graph")
    if any(consumer.graph is not move.graph for consumer in consumers):
        raise Refusal("the body of another node reads its result")
    if is_passed(move):
        fits = any(quantizes(node) or is_passed(node) or has_integer_form(node) for node in consumers)
    else:
        fits = all(quantizes(node) or moves(node) or _multiplies_by_weights(node, y) for node in consumers)
    if not fits:
        raise Refusal("its result is not quantized by all that consume it")


def _multiplies_by_weights(node: ir.Node, x: ir.Value) -> bool:
    """Whether it multiplies x by constant weights that are dequantized, and its result is quantized.

    Right after it, or after functions of each element.
    """
    if not has_trait(node, Trait.CONTRACTS) or not has_integer_form(node) or node.inputs[0] is not x:
        return False
    _, dequantize = find_dequantize(required_input(node, 1))
    if dequantize is None or constant_or_none(required_input(dequantize, 0)) is None:
        return False
    reached = [node]
    for each in reached:
        consumers = [use.node for use in each.outputs[0].uses()]
        if any(map(quantizes, consumers)):
            return True
        if len(reached) < _MOST_FUNCTIONS:
            reached += [other for other in consumers if has_trait(other, Trait.ELEMENTWISE)]
    return False


def _is_quantized_with(y: ir.Value, parameters: Quantization) -> bool:
    quantize = sole_consumer(y, once=True)
    try:
        return quantize is not None and quantizes(quantize) and written_with(quantize) == parameters
    except Refusal:
        return False
