"""move, left in 8 bits -> DequantizeLinear o move o QuantizeLinear, as it was"""

import numpy as np
import onnx_ir as ir

from converter.constants import Quantization, required_input
from converter.context import Context
from converter.graph_edit import add_initializer, remove_unused, take_place
from converter.linear import note_int8, stays_int8
from converter.passes.base import Pass

# onnxruntime has no kernels for these in 8 bits: the CPU provider before 1.28, the CUDA provider.
_IN_FLOAT = {"DepthToSpace", "Pad", "SpaceToDepth", "Tile"}


class RestorePairs(Pass):
    """Of what the pass DropPairs took to 8 bits, and no island has taken in: a model opens where it did.

    Nothing leaves the GPU either.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        left = [
            (move, parameters)
            for move, parameters in self.context.without_pairs.items()
            if move.graph is model.graph and move.op_type in _IN_FLOAT
        ]
        for move, parameters in left:
            _restore(move, parameters, model.graph, self.context)
        return ir.passes.PassResult(model, modified=bool(left))


def _restore(move: ir.Node, parameters: Quantization, graph: ir.Graph, context: Context) -> None:
    x, y = required_input(move, 0), move.outputs[0]
    scale = np.array(parameters.scale, np.float32)
    zero_point = np.array(parameters.zero_point, parameters.dtype.numpy())
    constants = [
        add_initializer(graph, context.new_value_name(f"{y.name}/{role}"), array)
        for role, array in (("scale", scale), ("zero_point", zero_point))
    ]
    dequantize, quantize = (
        ir.node(op_type, [x, *constants], name=context.new_node_name(f"{y.name}/{op_type}"))
        for op_type in ("DequantizeLinear", "QuantizeLinear")
    )
    graph.insert_before(move, dequantize)
    graph.insert_after(move, quantize)
    moved = dequantize.outputs[0]
    moved.name, moved.shape = context.new_value_name(f"{y.name}/dequantized"), x.shape
    moved.type = ir.TensorType(ir.DataType.FLOAT)
    move.replace_input_with(0, moved)
    if move.op_type == "Pad" and len(move.inputs) > 2 and move.inputs[2] is not None:
        fill = move.inputs[2]
        move.replace_input_with(2, None)  # 0
        remove_unused(fill)
    take_place(y, quantize.outputs[0])
    quantize.replace_input_with(0, y)
    if stays_int8(y):
        note_int8(quantize.outputs[0])
    y.name, y.type = context.new_value_name(f"{y.name}/moved"), ir.TensorType(ir.DataType.FLOAT)
