"""DequantizeLinear o QuantizeLinear in int8 -> the same in uint8, zero points 128 higher"""

import numpy as np
import onnx_ir as ir

from converter.constants import Quantization, constant_or_none, node_input, required_input
from converter.errors import Refusal
from converter.graph_edit import add_initializer, remove_unused
from converter.linear import dequantizes, note_int8, quantizes, read_with, written_with
from converter.passes.base import Pass


class Int8ToUint8(Pass):
    """The numbers stay the same. onnxruntime's CPU provider does it too, before it fuses operators.

    So formulas that see the zero points as they are outside of an island, those of QAdd for one, get to
    see what they see in onnxruntime. It (QDQS8ToU8Transformer, 1.31) leaves a tensor in int8 that has
    several readers, that is read with other parameters than it was written with, or of which a zero point
    is left out, and computes some of the operators around it in float32. Here it becomes uint8 as well,
    since a whole model in one type is one island, and is remembered by stays_int8.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        for quantize in list(model.graph):
            if quantizes(quantize):
                modified |= self._rewrite(quantize, model.graph)
        return ir.passes.PassResult(model, modified)

    def _rewrite(self, quantize: ir.Node, graph: ir.Graph) -> bool:
        x = quantize.outputs[0]
        readers = [use.node for use in x.uses()]
        if x.is_graph_output() or not all(
            dequantizes(reader) and reader.graph is graph for reader in readers
        ):
            return False
        try:
            if constant_or_none(required_input(quantize, 0)) is not None:
                return False  # weights
            written = written_with(quantize)
            read = [read_with(reader, ir.DataType.INT8) for reader in readers]
        except Refusal:
            return False
        if written.dtype != ir.DataType.INT8:
            return False
        nodes = [quantize, *readers]
        given = all(node_input(node, 2) is not None for node in nodes)
        for node, parameters in zip(nodes, [written, *read], strict=True):
            self._shift(node, parameters, graph)
        self._shift_table(quantize, written, graph)
        quantize.attributes.pop("output_dtype", None)
        x.type = ir.TensorType(ir.DataType.UINT8)
        uses = sum(len(reader.outputs[0].uses()) + reader.outputs[0].is_graph_output() for reader in readers)
        if uses != 1 or read[0] != written or not given:
            note_int8(x)
        return True

    def _shift_table(self, quantize: ir.Node, written: Quantization, graph: ir.Graph) -> None:
        """Let the table that the tensor was looked up in follow it: both keep one quantization."""
        gather = required_input(quantize, 0).producer()
        if gather is None or gather.domain or gather.op_type != "Gather":
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
        name = self.context.new_value_name(f"{dequantize.outputs[0].name}/table")
        shifted = add_initializer(graph, name, array.view(np.uint8) ^ np.uint8(128))
        dequantize.replace_input_with(0, shifted)
        remove_unused(table)

    def _shift(self, node: ir.Node, parameters: Quantization, graph: ir.Graph) -> None:
        """Make the zero point uint8; it has the shape of the scale, one element."""
        scale = constant_or_none(required_input(node, 1))
        assert scale is not None
        name = self.context.new_value_name(f"{node.outputs[0].name}/zero_point")
        zero_point = np.full(scale.shape, parameters.zero_point + 128, np.uint8)
        node.resize_inputs(3)
        node.replace_input_with(2, add_initializer(graph, name, zero_point))
