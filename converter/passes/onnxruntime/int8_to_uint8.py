"""QuantizeLinear in int8 -> DequantizeLinear => the same in uint8, zero points 128 higher"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import add_initializer, remove_unused, sole_consumer
from qudnn.converter.graph.marks import STAYS_INT8
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import (
    dequantizes,
    quantizes,
    quantizes_integer_form,
    read_with,
    written_with,
)
from qudnn.converter.qdq.moves import moves


class Int8ToUint8(EarlyNodePass):
    """The numbers stay the same. onnxruntime's CPU provider does it too, before it fuses operators.

    It does so to a QuantizeLinear with one consumer, a DequantizeLinear of the same zero point, each with
    its zero point given (QDQS8ToU8Transformer, qdq_s8_to_u8.cc, onnxruntime 1.31). Before, it makes a
    DequantizeLinear for each consumer of one (EnsureUniqueDQForNodeUnit, ensure_unique_dq_for_node_unit.cc):
    what several operators read stays in int8. Here it becomes uint8 as well, since a whole model in one
    type is one island, and is remembered by stays_int8: which arithmetic onnxruntime takes for the
    operators around depends on it, see qudnn.converter.analysis.arithmetic.
    """

    def matches(self, node: ir.Node) -> bool:
        """Whether it writes int8, and no weights."""
        return quantizes(node) and _writes_int8(node) and constant_or_none(required_input(node, 0)) is None

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        quantize, x = node, node.outputs[0]
        consumers = [use.node for use in x.uses()]
        if x.is_graph_output():
            raise Refusal("its result is an output of the graph")
        if not all(dequantizes(consumer) and consumer.graph is graph for consumer in consumers):
            raise Refusal("something other than DequantizeLinear consumes its result")
        if not quantizes_integer_form(quantize) and all(map(_is_moved_to_int8, consumers)):
            raise Refusal("what operators make of it that only move its values has to stay in int8")
        written = written_with(quantize)
        read = [read_with(consumer, ir.DataType.INT8) for consumer in consumers]
        stays = sum(map(_consumers, consumers)) != 1 or read[0].zero_point != written.zero_point
        stays = stays or any(node_input(node, 2) is None for node in (quantize, *consumers))
        for node, parameters in zip([quantize, *consumers], [written, *read], strict=True):
            self._shift(node, parameters, graph)
        self._shift_table(quantize, written, graph)
        quantize.attributes.pop("output_dtype", None)
        x.type = ir.TensorType(ir.DataType.UINT8)
        if stays:
            STAYS_INT8.put_on(x)

    def _shift_table(self, quantize: ir.Node, written: Quantization, graph: ir.Graph) -> None:
        """Let the table that the tensor was looked up in follow it: both keep one quantization."""
        gather = required_input(quantize, 0).producer()
        if not is_onnx(gather, "Gather"):
            return
        dequantize = required_input(gather, 0).producer()
        if dequantize is None or not dequantizes(dequantize) or len(dequantize.outputs[0].uses()) > 1:
            return
        table = required_input(dequantize, 0)
        array = constant_or_none(table)
        if array is None or array.dtype != np.int8 or node_input(dequantize, 2) is None:
            return
        try:
            if read_with(dequantize, None) != written:
                return
        except Refusal:
            return
        self._shift(dequantize, written, graph)
        name = self.context.names.value(f"{dequantize.outputs[0].name}/table")
        shifted = add_initializer(graph, name, array.view(np.uint8) ^ np.uint8(128))
        dequantize.replace_input_with(0, shifted)
        remove_unused(table)

    def _shift(self, node: ir.Node, parameters: Quantization, graph: ir.Graph) -> None:
        """Make the zero point uint8; it has the shape of the scale, one element."""
        scale = constant_or_none(required_input(node, 1))
        assert scale is not None
        name = self.context.names.value(f"{node.outputs[0].name}/zero_point")
        zero_point = np.full(scale.shape, parameters.zero_point + 128, np.uint8)
        node.resize_inputs(3)
        node.replace_input_with(2, add_initializer(graph, name, zero_point))


def _consumers(dequantize: ir.Node) -> int:
    """How many DequantizeLinear onnxruntime makes of this one (EnsureUniqueDQForNodeUnit, 1.31)."""
    y = dequantize.outputs[0]
    return max(1, len(y.uses()) + y.is_graph_output())


def _is_moved_to_int8(dequantize: ir.Node) -> bool:
    """Whether it is quantized again after moves alone, for something other than a DequantizeLinear."""
    consumers = [use.node for use in dequantize.outputs[0].uses()]
    for consumer in consumers:
        quantize = sole_consumer(consumer.outputs[0], once=True, inside=True) if moves(consumer) else None
        if not quantizes(quantize) or not _writes_int8(quantize):
            return False
        y = quantize.outputs[0]
        if not y.is_graph_output() and all(dequantizes(use.node) for use in y.uses()):
            return False
    return bool(consumers)


def _writes_int8(quantize: ir.Node) -> bool:
    zero_point = node_input(quantize, 2)
    dtype = quantize.attributes.get_int("output_dtype", 0) if zero_point is None else zero_point.dtype
    return dtype == ir.DataType.INT8
