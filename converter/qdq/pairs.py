"""Pairs of QuantizeLinear and DequantizeLinear that the converter adds."""

import numpy as np
import onnx_ir as ir

from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, sole_consumer, take_place
from qudnn.converter.graph.names import Names
from qudnn.converter.qdq.linear import dequantizes, dtype_read, quantizes, read_with
from qudnn.converter.qdq.moves import is_passed


def insert_pair(x: ir.Value, like: ir.Node, names: Names) -> ir.Value:
    """x, quantized and dequantized as `like` does; the new nodes are inserted after x, before its consumers.

    `like` works in float32, per tensor, with constants.
    """
    source = x.producer()
    assert source is not None and isinstance(source.graph, ir.Graph)
    parameters = [value for value in like.inputs[1:] if value is not None]
    attributes = [a for name, a in like.attributes.items() if name == "output_dtype" and quantizes(like)]
    zero_point = []
    if dequantizes(like) and len(parameters) == 1:  # QuantizeLinear does not know the type of itself
        dtype = read_with(like, dtype_read(like)).dtype
        name = names.value(f"{x.name}/zero_point")
        zero_point.append(add_initializer(source.graph, name, np.array(0, dtype.numpy())))
    pair: list[ir.Node] = []
    for op_type, more, given in ("QuantizeLinear", zero_point, attributes), ("DequantizeLinear", [], []):
        y = pair[-1].outputs[0] if pair else x
        # Of ONNX's domain: onnxruntime's CUDA provider has com.microsoft's for float16 only
        # (cuda_contrib_kernels.cc, 1.30).
        node = ir.Node("", op_type, [y, *parameters, *more], given, name=names.node(f"{x.name}/{op_type}"))
        node.outputs[0].name = names.value(f"{x.name}/{op_type}")
        pair.append(node)
    source.graph.insert_after(source, pair)
    return pair[-1].outputs[0]


def pass_back(quantize: ir.Node, names: Names) -> None:
    """x -> moves -> quantize => x -> a pair -> moves -> quantize, and a pair between any two of the moves.

    What dequantizes is not quantized again at once. onnxruntime does the same (onnxruntime 1.30,
    qdq_propagation.cc, PropagateQBackward).
    """
    move = required_input(quantize, 0).producer()
    while move is not None and is_passed(move) and sole_consumer(move.outputs[0], once=True):
        x = required_input(move, 0)
        source = x.producer()
        if source is None or dequantizes(source) or not sole_consumer(x, once=True):
            return
        move.replace_input_with(0, insert_pair(x, quantize, names))
        move = source


def pass_on(dequantize: ir.Node, names: Names) -> None:
    """dequantize -> moves => dequantize -> moves -> a pair, and a pair between any two of the moves.

    No pair is added if a QuantizeLinear is among the consumers. onnxruntime does the same (onnxruntime 1.30,
    qdq_propagation.cc, PropagateDQForward).
    """
    waiting = _moves_after(dequantize.outputs[0], dequantize)
    while waiting:
        y = waiting.pop().outputs[0]
        further = _moves_after(y, dequantize)
        if _dequantize_after(y, dequantize, names):
            waiting += further


def _moves_after(x: ir.Value, dequantize: ir.Node) -> list[ir.Node]:
    consumers = [use.node for use in x.uses()]
    return [node for node in consumers if is_passed(node) and node.graph is dequantize.graph]


def _dequantize_after(y: ir.Value, dequantize: ir.Node, names: Names) -> bool:
    """Insert a pair after the result of a move, if one is allowed there."""
    uses = list(y.uses())
    if any(quantizes(use.node) or use.node.graph is not dequantize.graph for use in uses):
        return False
    if uses and y.is_graph_output():
        return False
    if uses or y.is_graph_output():
        moved = insert_pair(y, dequantize, names)
        for use in uses:
            use.node.replace_input_with(use.idx, moved)
        if y.is_graph_output():
            (added,) = (use.node for use in y.uses())
            take_place(y, moved)
            added.replace_input_with(0, y)
            y.name = names.value(f"{moved.name}/moved")
    return True
