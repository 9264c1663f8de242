"""DequantizeLinear -> move -> QuantizeLinear => move; DequantizeLinear -> QuantizeLinear => nothing"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.context import Preparation, WithoutPairs
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization, constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.marks import STAYS_INT8
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import dequantizes, dtype_read, quantizes, read_with, written_with
from qudnn.converter.qdq.moves import moves, needed


class DropPairs(EarlyPass):
    """Only if all tensors around it have one scale and zero point; values stay the same.

    onnxruntime does so too (onnxruntime 1.30, qdq_selector_action_transformer.cc, DropQDQNodesRules and
    SplitQDQRules). What only moves values is left as a quantizer of the QOperator format leaves it, on
    8 bits.
    """

    def run(self, model: ir.Model) -> None:
        for node in list(model.graph):
            if node.graph is not model.graph:  # dropped
                continue
            if moves(node):
                _drop_around(node, self.context)
            elif quantizes(node):
                _drop_both(node)


def _drop_around(move: ir.Node, context: Preparation) -> None:
    source = _dequantized(move)
    outputs = needed(move)
    if source is None or not outputs:
        return
    x, parameters = source
    consumers = [sole_consumer(output, once=True, inside=True) for output in outputs]
    if any(_written_with(consumer) != parameters for consumer in consumers):
        return
    before = required_input(move, 0)
    dequantize = before.producer()
    move.replace_input_with(0, x)
    remove_orphans([] if dequantize is None else [dequantize])
    x_name = before.name if dequantize is None or dequantize.graph is None else None
    context.without_pairs[move] = WithoutPairs(
        parameters, x_name, {output: output.name or "" for output in outputs}
    )
    if is_onnx(move, "Pad") and move.attributes.get_string("mode", "constant") == "constant":
        assert move.graph is not None
        fill = np.array(parameters.zero_point, parameters.dtype.numpy())
        name = context.names.value(f"{move.outputs[0].name}/fill")
        if len(move.inputs) < 3:
            move.resize_inputs(3)
        move.replace_input_with(2, add_initializer(move.graph, name, fill))
    for output, consumer in zip(outputs, consumers, strict=True):
        assert consumer is not None
        _take_over(output, consumer.outputs[0], parameters.dtype)
        remove_orphans([consumer])


def _drop_both(quantize: ir.Node) -> None:
    """x -> DequantizeLinear -> quantize."""
    source = _dequantized(quantize)
    if source is None or _written_with(quantize) != source[1] or quantize.outputs[0].is_graph_output():
        return
    quantize.outputs[0].replace_all_uses_with(source[0])
    remove_orphans([quantize])


def _take_over(moved: ir.Value, written: ir.Value, dtype: ir.DataType) -> None:
    """Let the result of the move, now of 8 bits, stand where what quantized it wrote."""
    if STAYS_INT8.is_on(written):
        STAYS_INT8.put_on(moved)
    shape = moved.shape if written.shape is None else written.shape
    take_place(written, moved)
    moved.type, moved.shape = ir.TensorType(dtype), shape


def _dequantized(node: ir.Node) -> tuple[ir.Value, Quantization] | None:
    """The 8-bit tensor that input 0 of the node is dequantized from, and with what.

    A constant counts where the node looks things up in it: otherwise it is somebody's weights.
    """
    dequantize = required_input(node, 0).producer()
    if dequantize is None or not dequantizes(dequantize) or dequantize.graph is not node.graph:
        return None
    x = required_input(dequantize, 0)
    looked_up = is_onnx(node, "Gather") and constant_or_none(required_input(node, 1)) is None
    if constant_or_none(x) is not None and not looked_up:
        return None
    try:
        return x, read_with(dequantize, dtype_read(dequantize))
    except Refusal:
        return None


def _written_with(quantize: ir.Node | None) -> Quantization | None:
    try:
        return None if quantize is None or not quantizes(quantize) else written_with(quantize)
    except Refusal:
        return None
