"""LayerNormalization -> Shape => Shape of what it normalizes; Shape of what is quantized too => of that"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import quantizes
from qudnn.converter.qdq.moves import moves

_CHOSEN = Trait.INTEGER_FORM | Trait.CLIPS | Trait.CONVERTS


class ShapesOfInputs(EarlyNodePass):
    """So that a result need not exist in floating point only because its shape is used.

    The shape of what onnxruntime makes integer operators of is read where it is: it does so only where
    nothing else reads the result, possibly after moves.
    """

    SORTS = True

    def matches(self, node: ir.Node) -> bool:
        x = node.inputs[0] if is_onnx(node, "Shape") and node.inputs else None
        source = None if x is None else x.producer()
        return source is not None and (_keeps_shape(source) or moves(source))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        x = required_input(node, 0)
        if not _keeps_shape(x.producer()):
            node.replace_input_with(0, _quantized(x, graph))
            return
        while (source := x.producer()) is not None and _keeps_shape(source):
            x = required_input(source, 0)
        node.replace_input_with(0, x)


def _keeps_shape(node: ir.Node | None) -> bool:
    return has_trait(node, Trait.KEEPS_SHAPE) and not has_trait(node, _CHOSEN)


def _quantized(moved: ir.Value, graph: ir.Graph) -> ir.Value:
    """What a move makes, quantized."""
    source = moved.producer()
    while source is not None and moves(source):
        source = required_input(source, 0).producer()
    if source is None or has_trait(source, _CHOSEN):
        raise Refusal("onnxruntime may make an integer operator of what is before its input's moves")
    for consumer in (use.node for use in moved.uses()):
        if quantizes(consumer) and consumer.graph is graph and _is_by_constants(consumer):
            return consumer.outputs[0]
    raise Refusal("its input is not quantized")


def _is_by_constants(quantize: ir.Node) -> bool:
    """Whether it quantizes by nothing that may depend on a Shape."""
    return all(constant_or_none(value) is not None for value in quantize.inputs[1:] if value is not None)
