"""DequantizeLinear -> move -> QuantizeLinear => move; DequantizeLinear -> QuantizeLinear => nothing"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.context import Preparation, WithoutPairs
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization, constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, sole_consumer, take_place
from qudnn.converter.graph.marks import READ_IN_FLOAT, STAYS_INT8
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, dtype_read, quantizes, read_with, written_with
from qudnn.converter.qdq.moves import moves, needed


class DropPairs(EarlyNodePass):
    """Only if all tensors around it have one scale and zero point; values stay the same.

    onnxruntime does so too (onnxruntime 1.30, qdq_selector_action_transformer.cc, DropQDQNodesRules and
    SplitQDQRules). What only moves values is left as a quantizer of the QOperator format leaves it, on
    8 bits.
    """

    def matches(self, node: ir.Node) -> bool:
        if quantizes(node):
            return _dequantized(node) is not None
        outputs = needed(node) if moves(node) and _dequantized(node) is not None else []
        return bool(outputs) and all(quantizes(_consumer(output)) for output in outputs)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        x = _dequantized(node)
        assert x is not None
        if quantizes(node):
            _drop_both(node, x)
        else:
            _drop_around(node, x, self.context)


def _drop_around(move: ir.Node, x: ir.Value, context: Preparation) -> None:
    outputs = needed(move)
    parameters = _read_with(move)
    consumers = [_consumer(output) for output in outputs]
    if any(written_with(consumer) != parameters for consumer in consumers if consumer is not None):
        raise Refusal("the tensors around it are quantized with different scales or zero points")
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


def _drop_both(quantize: ir.Node, x: ir.Value) -> None:
    """x -> DequantizeLinear -> quantize; with other parameters it requantizes, and stays."""
    if written_with(quantize) != _read_with(quantize):
        return
    if quantize.outputs[0].is_graph_output():
        raise Refusal("its result is an output of the graph")
    quantize.outputs[0].replace_all_uses_with(x)
    remove_orphans([quantize])


def _take_over(moved: ir.Value, written: ir.Value, dtype: ir.DataType) -> None:
    """Let the result of the move, now of 8 bits, stand where what quantized it wrote."""
    for mark in STAYS_INT8, READ_IN_FLOAT:
        if mark.is_on(written):
            mark.put_on(moved)
    shape = moved.shape if written.shape is None else written.shape
    take_place(written, moved)
    moved.type, moved.shape = ir.TensorType(dtype), shape


def _consumer(value: ir.Value) -> ir.Node | None:
    return sole_consumer(value, once=True, inside=True)


def _dequantized(node: ir.Node) -> ir.Value | None:
    """The 8-bit tensor that input 0 of the node is dequantized from.

    A constant counts where the node looks things up in it: otherwise it is somebody's weights.
    """
    dequantize = required_input(node, 0).producer()
    if dequantize is None or not dequantizes(dequantize) or dequantize.graph is not node.graph:
        return None
    x = required_input(dequantize, 0)
    looked_up = is_onnx(node, "Gather") and constant_or_none(required_input(node, 1)) is None
    if constant_or_none(x) is not None and not looked_up:
        return None
    return x


def _read_with(node: ir.Node) -> Quantization:
    """With what input 0 of the node is dequantized."""
    dequantize = required_input(node, 0).producer()
    assert dequantize is not None
    return read_with(dequantize, dtype_read(dequantize))
