"""What DropPairs made work on 8 bits, without a CUDA kernel => DequantizeLinear -> it -> QuantizeLinear"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.gpu_kernels import runs_on_gpu
from qudnn.converter.context import WithoutPairs
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization, required_input
from qudnn.converter.graph.edit import add_initializer, remove_orphans, take_place
from qudnn.converter.graph.marks import STAYS_INT8
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import Pass
from qudnn.converter.qdq.linear import dequantizes, dequantizes_for_integer_form, read_with
from qudnn.converter.qdq.moves import needed


class RestorePairs(Pass):
    """Operators that no island contains work on float32 again, and stay on the GPU.

    The converted model opens where the original did, too: onnxruntime has had kernels of the CPU provider for
    SpaceToDepth and DepthToSpace of 8 bits since 1.22 and 1.28 only.
    """

    def run(self, model: ir.Model) -> None:
        # by the 8-bit tensors that they are quantized to, and how
        self._floats: dict[tuple[ir.Value, Quantization], ir.Value] = {}
        for node in list(model.graph):
            moved = self.context.without_pairs.get(node)
            if moved is not None and not runs_on_gpu(node, moved.quantization.dtype):
                self._restore(node, moved, model.graph)

    def _restore(self, move: ir.Node, moved: WithoutPairs, graph: ir.Graph) -> None:
        x = required_input(move, 0)
        producer = x.producer()
        known = self._floats.get((x, moved.quantization))
        if known is not None:
            move.replace_input_with(0, known)
            remove_orphans([] if producer is None else [producer])
        else:
            dequantize = self._converting("DequantizeLinear", x, moved.quantization, graph)
            dequantize.outputs[0].name = moved.x_name or self.context.names.value(f"{x.name}/float")
            dequantize.outputs[0].type = ir.TensorType(ir.DataType.FLOAT)
            graph.insert_before(move, dequantize)
            move.replace_input_with(0, dequantize.outputs[0])
        if is_onnx(move, "Pad") and move.attributes.get_string("mode", "constant") == "constant":
            move.replace_input_with(2, None)  # 0, of which DropPairs made the zero point
        for y in needed(move):
            self._quantize(y, moved.y_names[y], moved.quantization, graph)

    def _quantize(self, y: ir.Value, name: str, parameters: Quantization, graph: ir.Graph) -> None:
        """Let a QuantizeLinear of y stand where y did, apart from where it is dequantized just so again."""
        move, facts = y.producer(), self.context.facts
        assert move is not None
        quantize = self._converting("QuantizeLinear", y, parameters, graph)
        quantize.replace_input_with(0, None)
        graph.insert_after(move, quantize)
        written, shape = quantize.outputs[0], facts.shape(y)
        take_place(y, written)
        written.type = ir.TensorType(parameters.dtype)
        if STAYS_INT8.is_on(y):
            STAYS_INT8.put_on(written)
        quantize.replace_input_with(0, y)
        y.name = name
        y.type = ir.TensorType(ir.DataType.FLOAT)
        if shape is not None:
            facts.note_shape(y, ir.DataType.FLOAT, shape)
        self._floats[written, parameters] = y
        for consumer in [use.node for use in written.uses()]:
            if _gives_back(consumer, move, parameters):
                consumer.outputs[0].replace_all_uses_with(y)
                remove_orphans([consumer])
        remove_orphans([quantize])

    def _converting(self, op_type: str, x: ir.Value, parameters: Quantization, graph: ir.Graph) -> ir.Node:
        context = self.context
        name = context.names.node(f"{x.name}/{op_type}")
        arrays = {
            "scale": np.array(parameters.scale, np.float32),
            "zero_point": np.array(parameters.zero_point, parameters.dtype.numpy()),
        }
        constants = [
            add_initializer(graph, context.names.value(f"{name}/{what}"), array)
            for what, array in arrays.items()
        ]
        return ir.node(op_type, [x, *constants], name=name)


def _gives_back(consumer: ir.Node, move: ir.Node, parameters: Quantization) -> bool:
    """Whether it dequantizes what is quantized so, and onnxruntime makes no integer operator with it."""
    if not dequantizes(consumer) or consumer.graph is not move.graph or consumer.outputs[0].is_graph_output():
        return False
    try:
        same = read_with(consumer, parameters.dtype) == parameters
    except Refusal:
        return False
    return same and not dequantizes_for_integer_form(consumer)
